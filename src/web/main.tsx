// The page's entry.

import { render } from 'preact';
import { App } from './parts/app';
import { warmCharts } from './parts/chart';
import { openEngine } from './session';
import { bindAddress } from './setup';
import './style.css';

bindAddress();
void openEngine();
render(<App />, document.getElementById('app')!);
void warmCharts();
