// The experiment as a story from left to right: f learns the data, its data are perturbed, g learns the perturbations.

import type { ComponentChildren } from 'preact';
import type { DataConfig } from '../../experiment/types';
import { count, lossText } from '../format';
import { type Course, cosine, courses, result, shown, stage, type Training } from '../live';
import { busy, phase } from '../session';
import { edit, shownConfig, unset, valueAt } from '../setup';
import { Chart } from './chart';
import { DataFields } from './data-fields';
import { CheckField, Fields, NumberField, SelectField } from './fields';
import { Gallery } from './gallery';
import { percent, Readout } from './readout';

type Part = 'f' | 'r' | 'g';

/** How far each part of the story has come, from 0 to 1. */
function sharesOf(): Readonly<Record<Part, number>> {
  if (result.value) return { f: 1, r: 1, g: 1 };
  const share = ({ epoch, epochs }: Course) => (epochs === 0 ? 0 : epoch / epochs);
  const now = stage.value;
  const f = share(courses.standard.value);
  const g = share(courses.learning.value);
  const past = now === 'learning' || now === 'evaluation' || g > 0;
  return { f: past || now === 'perturbation' ? 1 : f, r: past ? 1 : now === 'perturbation' ? 0.5 : 0, g };
}

interface StageProps {
  readonly part: Part;
  readonly title: string;
  readonly about: ComponentChildren;
  readonly children: ComponentChildren;
}

function StageColumn({ part, title, about, children }: StageProps) {
  const share = sharesOf()[part];
  return (
    <section class={`stage stage-${part}`} aria-labelledby={`stage-${part}`}>
      <div class="thread" aria-hidden="true">
        <span style={{ transform: `scaleX(${share})` }} />
      </div>
      <header class="stage-head">
        <i class="letter" aria-hidden="true">
          {part}
        </i>
        <div>
          <h2 id={`stage-${part}`}>
            <span class="unseen">{part} </span>
            {title}
          </h2>
          <p>{about}</p>
        </div>
      </header>
      {children}
    </section>
  );
}

function Curves({ training, name }: { readonly training: Training; readonly name: string }) {
  const { looks, loss, lr, epoch } = courses[training].value;
  const last = looks.at(-1);
  const agreement = last?.agreement === undefined ? '' : `, agreement ${percent(last.agreement)} %`;
  return (
    <div class="curves">
      <Chart
        kind="accuracy"
        training={training}
        title={training === 'standard' ? 'Accuracy on the data' : 'Accuracy on the clean data, and agreement with f'}
        summary={last ? `${percent(last.accuracy)} %${agreement} after ${last.epoch} epochs` : ''}
      />
      <Chart
        kind="loss"
        training={training}
        title={`Loss of ${name}`}
        summary={`${lossText(loss.at(-1))} after ${epoch} epochs`}
      />
      <Chart
        kind="rate"
        training={training}
        title="Learning rate"
        summary={`${lossText(lr.at(-1))} at epoch ${epoch}`}
      />
    </div>
  );
}

const share = (value: number | null | undefined) =>
  value === undefined || value === null ? undefined : percent(value);

export function StageF() {
  const done = result.value?.metrics.standardAccuracy;
  const { looks } = courses.standard.value;
  return (
    <StageColumn
      part="f"
      title="learns the data"
      about="A two-layer network is trained on samples and their true labels."
    >
      <Fields legend="Data and training of f">
        <DataFields />
        <NumberField name="network.width" label="Width m" hint="Neurons of each network" width="third" />
        <NumberField name="standard.lr" label="Learning rate" width="third" />
        <NumberField name="standard.epochs" label="Epochs" width="third" />
      </Fields>
      <Readout
        id="standardAccuracy"
        name="f on its training data"
        value={share(done ?? looks.at(-1)?.accuracy)}
        unit="%"
      />
      <Curves training="standard" name="f" />
    </StageColumn>
  );
}

const KINDS = [
  { value: 'l2', label: 'ℓ2: any direction' },
  { value: 'linf', label: 'ℓ∞: signs' },
  { value: 'l0', label: 'ℓ0: few entries' },
];

function chooseKind(kind: string): void {
  if (kind !== 'l0') unset('perturbation.k');
  edit('perturbation.kind', kind);
}

export function StageR() {
  const kind = valueAt('perturbation.kind');
  const onData = valueAt('perturbation.onData') === true;
  return (
    <StageColumn
      part="r"
      title="perturbs them"
      about={
        <>
          For a label tossed like a coin, each sample gets the small noise that moves <i>f</i> towards it.
        </>
      }
    >
      <Fields legend="Perturbations">
        <SelectField name="perturbation.kind" label="Kind" width="whole" options={KINDS} onChoose={chooseKind} />
        <NumberField name="perturbation.size" label="Size ε" />
        {kind === 'l0' ? <NumberField name="perturbation.k" label="Entries k" /> : null}
        <SelectField
          name="perturbation.onData"
          label="g is trained on"
          width="whole"
          value={String(onData)}
          options={[
            { value: 'false', label: 'the noise alone (scenario a)' },
            { value: 'true', label: 'sample + noise (scenario b)' },
          ]}
          onChoose={(value) => edit('perturbation.onData', value === 'true')}
        />
      </Fields>
      <Readout
        id="cosine"
        name="cosine to the theory’s direction"
        value={cosine.value === undefined ? undefined : cosine.value.toFixed(3)}
      />
      <Gallery />
    </StageColumn>
  );
}

export function StageG() {
  const { config, metrics } = result.value ?? {};
  const last = courses.learning.value.looks.at(-1);
  const onData = (busy.value || config ? shown.value : shownConfig.value)?.perturbation.onData;
  return (
    <StageColumn
      part="g"
      title={onData ? 'learns sample + noise' : 'learns the noise alone'}
      about={
        onData
          ? 'A new network is trained on perturbed samples with the tossed labels, which say nothing of the samples.'
          : 'A new network is trained on the perturbations and the tossed labels. It never sees a sample.'
      }
    >
      <Fields legend="Training of g">
        <NumberField name="learning.lr" label="Learning rate" />
        <NumberField name="learning.epochs" label="Epochs" />
      </Fields>
      <div class="readouts">
        <Readout
          id="perturbationAccuracy"
          name="g on the clean data"
          value={share(metrics?.perturbationAccuracy ?? last?.accuracy)}
          unit="%"
        />
        <Readout id="agreement" name="agreement with f" value={share(metrics?.agreement ?? last?.agreement)} unit="%" />
      </div>
      <Curves training="learning" name="g" />
    </StageColumn>
  );
}

/** What is under “Advanced”: both networks, and how much is measured. */
export function Advanced() {
  const map = valueAt('theory.map');
  const data = shownConfig.value.data as DataConfig;
  const drawn = data.kind === 'glyphs' || data.kind === 'gauss' || data.kind === 'shifted-gauss';
  return (
    <details class="advanced">
      <summary>Advanced</summary>
      <Fields legend="Advanced">
        <NumberField name="network.slope" label="Slope γ" hint="Of the activation below zero" />
        <SelectField
          name="loss"
          label="Loss"
          options={[
            { value: 'identity', label: 'identity' },
            { value: 'logistic', label: 'logistic' },
          ]}
        />
        <NumberField name="seed" label="Seed" />
        <NumberField name="standard.momentum" label="Momentum of f" />
        <NumberField name="learning.momentum" label="Momentum of g" />
        {drawn ? <NumberField name="test.n" label="Fresh points" /> : null}
        <SelectField
          name="trainer"
          label="Trainer"
          options={['auto', 'direct', 'gram'].map((value) => ({ value, label: value }))}
        />
        <CheckField name="theory.cosine" label="Cosine to theory" />
        <CheckField
          name="theory.map"
          label="Decision map"
          checked={map !== false}
          onToggle={(on) => edit('theory.map', on ? { resolution: 120, limits: [-7, 7] } : false)}
        />
        {typeof map === 'object' ? (
          <>
            <NumberField name="theory.map.resolution" label="Map points a side" />
            <LimitsField />
          </>
        ) : null}
      </Fields>
    </details>
  );
}

function LimitsField() {
  const limits = valueAt('theory.map.limits');
  const text = Array.isArray(limits) ? limits.join(', ') : String(limits);
  return (
    <div class="field">
      <label for="field-limits">Map from, to</label>
      <input
        id="field-limits"
        defaultValue={text}
        key={text}
        inputMode="text"
        onChange={({ currentTarget }) =>
          edit(
            'theory.map.limits',
            currentTarget.value.split(',').map((part) => (part.trim() === '' ? part : Number(part))),
          )
        }
      />
    </div>
  );
}

/** What was run, in one line, when a run is there. */
export function RunFacts() {
  const { value } = result;
  if (!value || phase.value !== 'done') return null;
  const { config, trainer, timing, device } = value;
  const parts = [
    `m = ${count(config.network.width)}`,
    `${config.loss} loss`,
    `trainer ${trainer.stages.standard.chosen} / ${trainer.stages.learning.chosen}`,
    `${timing.totalSeconds.toFixed(1)} s on ${device.name}`,
    `${trainer.kernels.matmul} kernels: ${trainer.kernels.reason}`,
  ];
  return <p class="facts">{parts.join(' · ')}</p>;
}
