// The page: what it is about in a sentence, the experiments, the run, and the story from left to right.

import { useEffect, useState } from 'preact/hooks';
import { takeFiles } from '../dropped-files';
import { adapter, engineState } from '../engine';
import { gallery } from '../live';
import { shownConfig, view } from '../setup';
import { BenchTab } from './bench-tab';
import { DecisionMapPanel } from './decision-map';
import { DrawPad } from './draw-pad';
import { NoticeBar } from './notice-bar';
import { Presets } from './presets';
import { RunBar } from './run-bar';
import { Advanced, RunFacts, StageF, StageG, StageR } from './stages';

function Device() {
  const { value } = adapter;
  const state = engineState.value;
  const texts = { starting: 'looking for a GPU…', ready: value?.name, missing: 'no GPU', lost: 'engine stopped' };
  const text = texts[state];
  return (
    <p
      class="device"
      data-engine={state}
      title={value?.software ? 'A software adapter: it computes on the CPU' : undefined}
    >
      <span class="lamp" aria-hidden="true" /> {text}
      {value?.software && state === 'ready' ? ' (on the CPU)' : ''}
    </p>
  );
}

function Head() {
  return (
    <header class="head">
      <p class="brand">
        perturb<span>gpu</span>
      </p>
      <nav class="tabs" aria-label="Views">
        {(['laboratory', 'benchmark'] as const).map((name) => (
          <button
            type="button"
            key={name}
            aria-current={view.value === name ? 'page' : undefined}
            onClick={() => {
              view.value = name;
            }}
          >
            {name === 'laboratory' ? 'Laboratory' : 'Benchmark'}
          </button>
        ))}
      </nav>
      <Device />
    </header>
  );
}

/** Whether files are held over the page; dropping them anywhere takes them in. */
function useFileDrop(): boolean {
  const [over, setOver] = useState(false);
  useEffect(() => {
    const hasFiles = (event: DragEvent) => event.dataTransfer?.types.includes('Files') === true;
    const onOver = (event: DragEvent) => {
      if (!hasFiles(event)) return;
      event.preventDefault();
      setOver(true);
    };
    const onLeave = (event: DragEvent) => {
      if (event.relatedTarget === null) setOver(false);
    };
    const onDrop = (event: DragEvent) => {
      if (!hasFiles(event)) return;
      event.preventDefault();
      setOver(false);
      void takeFiles([...(event.dataTransfer?.files ?? [])]);
    };
    addEventListener('dragover', onOver);
    addEventListener('dragleave', onLeave);
    addEventListener('drop', onDrop);
    return () => {
      removeEventListener('dragover', onOver);
      removeEventListener('dragleave', onLeave);
      removeEventListener('drop', onDrop);
    };
  }, []);
  return over;
}

function Laboratory() {
  const { kind } = shownConfig.value.data;
  const images = gallery.value?.image !== undefined || !['gauss', 'shifted-gauss', 'npy'].includes(kind);
  return (
    <>
      <section class="lead">
        <h1>
          Train a network on nothing but the noise that fools another,
          <span class="lead-turn"> and it learns the data it never saw.</span>
        </h1>
        <Presets />
      </section>
      <RunBar />
      <NoticeBar />
      <div class="story">
        <StageF />
        <StageR />
        <StageG />
      </div>
      <Advanced />
      <RunFacts />
      <div class="afterwards">
        <DecisionMapPanel />
        {images ? <DrawPad /> : null}
      </div>
    </>
  );
}

export function App() {
  const over = useFileDrop();
  return (
    <>
      <a class="skip" href="#main">
        Skip to the experiment
      </a>
      <Head />
      <main id="main" tabIndex={-1}>
        {view.value === 'laboratory' ? <Laboratory /> : <BenchTab />}
      </main>
      <footer class="foot">
        <p>
          After Kumano, Kera and Yamasaki, “Wide Two-Layer Networks can Learn from Adversarial Perturbations”, NeurIPS
          2024. Everything is computed on this device; nothing leaves it.
        </p>
      </footer>
      {over ? (
        <div class="over" aria-hidden="true">
          Drop IDX, CIFAR-10 or .npy files, or a config.json
        </div>
      ) : null}
    </>
  );
}
