// Which kernels experiments run here: choosing them by measurement, what is kept, and why each other variant does not run.

import { signal } from '@preact/signals';
import { type BenchShape, shapeName } from '../../bench/cases';
import type { KernelReport } from '../../bench/tune';
import type { TunedChoice } from '../../kernels/tuning';
import { groupBy } from '../../report/group-by';
import { measuring, startBench, tuned, tuningDownload } from '../bench';
import { shapeSetUp } from '../cost';
import { save } from '../downloads';
import { engineState } from '../engine';
import { milliseconds } from '../format';
import { defaultsOnly, kept } from '../kept-tuning';
import { busy } from '../session';
import { forgetKept, useDefaults } from '../tuning';
import { CheckField, Fields, SelectField } from './fields';

const spaced = (shape: string) => shape.replaceAll('/', ' / ');
const day = (date: string) => new Date(date).toLocaleDateString('en', { dateStyle: 'medium' });

const tileOf = ({ tile }: TunedChoice) => (tile ? `, tiles of ${64 * tile.rows} × ${64 * tile.columns}` : '');

/** What is kept, in words. */
function Kept() {
  const { tuning, refused } = kept.value;
  if (refused !== undefined) return <p class="kept">What is kept is refused: {refused}. The defaults run.</p>;
  if (!tuning) return <p class="kept">Nothing is kept for this device: the defaults run.</p>;
  const choices = Object.values(tuning.choices);
  if (choices.length === 0) {
    return <p class="kept">The defaults were the fastest wherever it was measured, last on {day(tuning.date)}.</p>;
  }
  return (
    <ul class="kept">
      {defaultsOnly.value ? <li>Kept, and not used as long as the defaults are asked for:</li> : null}
      {choices.map((choice) => (
        <li key={choice.measuredAt}>
          <b>{choice.variant}</b>
          {tileOf(choice)} for shapes of about {spaced(choice.measuredAt)}: {choice.speedup.toFixed(2)} times the
          default’s speed on {day(choice.date)}
        </li>
      ))}
    </ul>
  );
}

interface Verdict extends Pick<KernelReport, 'status' | 'seconds' | 'reason'> {
  readonly kernels: readonly string[];
  readonly variants: readonly string[];
}

/** Variants that were timed one by one; the others go together by what there is to say of them. */
function verdictsOf(all: readonly KernelReport[]): Verdict[] {
  const timed = all.filter(({ seconds }) => seconds !== undefined);
  const others = groupBy(
    all.filter(({ seconds }) => seconds === undefined),
    ({ status, reason }) => `${status} ${reason}`,
  );
  return [...timed.map((one) => [one]), ...others.values()].map((group) => ({
    ...group[0]!,
    kernels: [...new Set(group.map(({ kernel }) => kernel))],
    variants: [...new Set(group.map(({ variant }) => variant))],
  }));
}

function Verdicts({ of }: { readonly of: readonly KernelReport[] }) {
  return [...groupBy(of, ({ shape }) => shapeName(shape))].map(([name, all]) => (
    <div key={name}>
      <h3>n / d / m = {spaced(name)}</h3>
      <ul class="verdict-list" data-shape={name}>
        {verdictsOf(all).map(({ kernels, variants, status, seconds, reason }) => (
          <li key={`${kernels} ${variants}`} data-status={status}>
            <span>{kernels.join(', ')}</span>
            <b>{variants.join(', ')}</b>
            <span class="verdict-word">{status}</span>
            <span>{seconds === undefined ? '' : `${milliseconds(seconds)} ms`}</span>
            <span class="why">{reason}</span>
          </li>
        ))}
      </ul>
    </div>
  ));
}

/** Whether the paper's shapes are chosen for, rather than the experiment's. */
const forPaper = signal(false);

/** @param quick only what a CPU adapter does in a minute or two */
export function TuningPanel({ quick }: { readonly quick: boolean }) {
  const own = shapeSetUp();
  const shapes: readonly BenchShape[] | undefined = forPaper.value || !own ? undefined : [own];
  const free = engineState.value === 'ready' && !busy.value && !measuring.value;
  const { tuning, refused } = kept.value;
  return (
    <section class="panel tuning-panel" aria-labelledby="tuning-title">
      <header class="panel-head">
        <h2 id="tuning-title">Which kernels run here</h2>
        <p>
          The kernels of an epoch come in several variants. Tuning checks each against float64, times them in turns, and
          keeps one in this browser where it is clearly faster than the default. Experiments of about that shape then
          run it and say so. It adds in another order, so their last digits change once, and not again until somebody
          tunes anew.
        </p>
      </header>
      <Fields legend="Tuning">
        <SelectField
          name="tuning-shapes"
          label="Shapes, n / d / m"
          value={shapes ? 'own' : 'paper'}
          options={[
            ...(own ? [{ value: 'own', label: `the experiment set up: ${spaced(shapeName(own))}` }] : []),
            { value: 'paper', label: quick ? 'two of the paper’s' : 'the paper’s six' },
          ]}
          onChoose={(value) => {
            forPaper.value = value === 'paper';
          }}
        />
        <CheckField
          name="tuning-defaults"
          label="Use the defaults all the same"
          checked={defaultsOnly.value}
          disabled={!free}
          onToggle={(on) => void useDefaults(on)}
        />
      </Fields>
      <div class="row">
        <button type="button" disabled={!free} onClick={() => startBench({ quick, tune: shapes ? { shapes } : {} })}>
          Tune
        </button>
        {tuning || refused !== undefined ? (
          <button type="button" disabled={!free} onClick={() => void forgetKept()}>
            Forget what is kept
          </button>
        ) : null}
        {tuned.value ? (
          <button type="button" onClick={() => tuned.value && void save(tuningDownload(tuned.value))}>
            Download JSON
          </button>
        ) : null}
      </div>
      <Kept />
      {tuned.value ? <Verdicts of={tuned.value.kernels} /> : null}
    </section>
  );
}
