// Which data f is trained on.

import type { DataConfig } from '../../experiment/types';
import { forget, held, missing, takeFiles } from '../dropped-files';
import { chooseData, edit, problemAt, shownConfig, valueAt } from '../setup';
import { NumberField, SelectField } from './fields';

type Choice = 'glyphs' | 'shifted-gauss' | 'gauss' | 'files';

const CHOICES: readonly { readonly value: Choice; readonly label: string }[] = [
  { value: 'glyphs', label: 'Drawn digits' },
  { value: 'shifted-gauss', label: 'Two clouds (shifted Gauss)' },
  { value: 'gauss', label: 'Pure noise (Gauss)' },
  { value: 'files', label: 'My own files' },
];

const choiceOf = (kind: DataConfig['kind']): Choice =>
  kind === 'glyphs' || kind === 'shifted-gauss' || kind === 'gauss' ? kind : 'files';

const DIGITS = Array.from({ length: 10 }, (_, digit) => digit);

/** The two classes: which is +1, which is −1. */
function ClassFields({ classes, narrow }: { readonly classes: readonly number[]; readonly narrow?: boolean }) {
  const pair = valueAt('data.classes') as readonly [number, number];
  const choose = (at: 0 | 1, chosen: number) => {
    const other = pair[1 - at]!;
    // Choosing what the other one is swaps them.
    const next = chosen === other ? [pair[1], pair[0]] : at === 0 ? [chosen, other] : [other, chosen];
    edit('data.classes', next);
  };
  return (
    <>
      {([0, 1] as const).map((at) => (
        <div class={narrow ? 'field quarter' : 'field'} key={at}>
          <label for={`field-class-${at}`}>{at === 0 ? '+1 is' : '−1 is'}</label>
          <select
            id={`field-class-${at}`}
            value={String(pair[at])}
            onChange={({ currentTarget }) => choose(at, Number(currentTarget.value))}
          >
            {classes.map((label) => (
              <option key={label} value={String(label)}>
                {label}
              </option>
            ))}
          </select>
        </div>
      ))}
    </>
  );
}

function FileFields({ data }: { readonly data: DataConfig }) {
  const labels = held.value.find(({ role, test }) => role === 'labels' && !test);
  const wanted = missing();
  const classes = 'classes' in data && data.kind !== 'glyphs' ? (labels?.classes ?? DIGITS) : undefined;
  return (
    <>
      <div class="drop" data-drop>
        <p>
          Drop IDX, CIFAR-10 or .npy files anywhere on this page, or{' '}
          <label class="pick">
            choose them
            <input
              class="unseen"
              type="file"
              multiple
              onChange={({ currentTarget }) => {
                void takeFiles([...(currentTarget.files ?? [])]);
                currentTarget.value = '';
              }}
            />
          </label>
          . They stay on this machine.
        </p>
        <ul>
          {held.value.map(({ name, about, test }) => (
            <li key={name}>
              <span class="file-name">{name}</span>
              <span class="file-about">
                {about}
                {test ? ', for testing' : ''}
              </span>
              <button type="button" class="quiet" aria-label={`Remove ${name}`} onClick={() => forget(name)}>
                ×
              </button>
            </li>
          ))}
        </ul>
        {wanted ? <p class="file-wanted">{wanted}</p> : null}
      </div>
      {classes ? <ClassFields classes={classes} /> : null}
    </>
  );
}

export function DataFields() {
  const { data } = shownConfig.value;
  const choice = choiceOf(data.kind);
  const choose = (value: string) => {
    if (value === 'files') chooseData({ kind: 'idx', images: 'images', labels: 'labels', classes: [1, 2] });
    else chooseData({ kind: value as Exclude<Choice, 'files'> });
  };
  return (
    <>
      <SelectField name="data.kind" label="Data" width="whole" options={CHOICES} value={choice} onChoose={choose} />
      {choice === 'files' || held.value.length > 0 ? <FileFields data={data} /> : null}
      {choice === 'files' ? null : (
        <NumberField name="data.n" label="Samples n" width={choice === 'glyphs' ? 'quarter' : 'third'} />
      )}
      {data.kind === 'glyphs' ? (
        <>
          <NumberField name="data.size" label="Pixels" hint="A side of the square image" width="quarter" />
          <ClassFields classes={DIGITS} narrow />
        </>
      ) : null}
      {choice === 'gauss' || choice === 'shifted-gauss' ? (
        <NumberField name="data.d" label="Inputs d" width="third" />
      ) : null}
      {data.kind === 'shifted-gauss' ? <NumberField name="data.shift" label="Shift" width="third" /> : null}
      {problemAt('data.classes') ? <p class="field-problem">{problemAt('data.classes')?.message}</p> : null}
    </>
  );
}
