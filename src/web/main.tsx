// The page's entry.

import { render } from 'preact';
import { openEngine, whenLost } from './engine';
import { App } from './parts/app';
import { warmCharts } from './parts/chart';
import { offerUnfinished, tellLost } from './resuming';
import { bindAddress } from './setup';
import './style.css';
import { tellRefused } from './tuning';

bindAddress();
whenLost(tellLost);
tellRefused();
void openEngine();
void offerUnfinished();
render(<App />, document.getElementById('app')!);
void warmCharts();
