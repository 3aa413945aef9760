// Experiments one click away: our own, and every panel of the paper.

import { useSignal } from '@preact/signals';
import { checkConfig } from '../../experiment/config';
import { choose } from '../choosing';
import { linkOf } from '../config-link';
import { gpuText } from '../cost';
import type { Panel, PanelGroup, Published } from '../panels';
import { PRESETS } from '../presets';
import { busy } from '../session';
import { draft, link } from '../setup';

const linkOfDocument = (document: unknown): string | undefined => {
  const { config: checked } = checkConfig(document);
  return checked && linkOf(checked);
};

const PRESET_LINKS = PRESETS.map(({ document }) => linkOfDocument(document));

/** The values of the paper for the point that is set up, to lie beside ours. */
function PublishedValues({ values }: { readonly values: readonly Published[] }) {
  if (values.length === 0) return null;
  const names = {
    standardAccuracy: 'f on its data',
    perturbationAccuracy: 'g on clean data',
    agreement: 'agreement',
    cosine: 'cosine',
  };
  return (
    <p class="published">
      Published here, best over the learning rates:{' '}
      {values
        .map(({ metric, value }) => `${names[metric]} ${metric === 'cosine' ? value : `${(100 * value).toFixed(1)} %`}`)
        .join(', ')}
      .
    </p>
  );
}

function PanelPicker({ groups }: { readonly groups: readonly PanelGroup[] }) {
  const group = useSignal(0);
  const panel = useSignal<Panel | undefined>(undefined);
  const point = useSignal(0);
  const pick = (next: Panel) => {
    panel.value = next;
    point.value = next.points.length - 1;
    choose(next.label, next.points[point.value]!.document);
  };
  const chosen = panel.value?.points[point.value];
  const current = chosen && linkOfDocument(chosen.document) === link.value ? chosen : undefined;
  return (
    <div class="panels">
      <div class="field">
        <label for="panel-group">Figure</label>
        <select
          id="panel-group"
          value={String(group.value)}
          onChange={({ currentTarget }) => {
            group.value = Number(currentTarget.value);
            panel.value = undefined;
          }}
        >
          {groups.map(({ title }, k) => (
            <option key={title} value={String(k)}>
              {title}
            </option>
          ))}
        </select>
      </div>
      <div class="panel-list">
        {groups[group.value]!.panels.map((each) => (
          <button
            type="button"
            class="chip"
            key={each.id}
            aria-pressed={panel.value?.id === each.id}
            onClick={() => pick(each)}
          >
            {each.label}
          </button>
        ))}
      </div>
      {panel.value && panel.value.points.length > 1 ? (
        <div class="field point">
          <label for="panel-point">
            {panel.value.label}: <b>{panel.value.points[point.value]!.x}</b>
          </label>
          <input
            id="panel-point"
            type="range"
            min={0}
            max={panel.value.points.length - 1}
            value={point.value}
            disabled={busy.value}
            onInput={({ currentTarget }) => {
              point.value = Number(currentTarget.value);
              draft.value = panel.value!.points[point.value]!.document;
            }}
          />
        </div>
      ) : null}
      {current ? <PublishedValues values={current.published} /> : null}
    </div>
  );
}

export function Presets() {
  const groups = useSignal<readonly PanelGroup[] | undefined>(undefined);
  const open = useSignal(false);
  const toggle = () => {
    open.value = !open.value;
    if (!groups.value) {
      void import('../panels').then(({ PANEL_GROUPS }) => {
        groups.value = PANEL_GROUPS;
      });
    }
  };
  const known = PRESET_LINKS.indexOf(link.value);
  return (
    <nav class="presets" aria-label="Experiments">
      <div class="row">
        {PRESETS.map(({ id, name, about, document }, k) => (
          <button
            type="button"
            class="chip"
            key={id}
            title={about}
            data-preset={id}
            aria-pressed={known === k}
            onClick={() => choose(name, document)}
          >
            {name}
          </button>
        ))}
        <button type="button" class="chip" aria-expanded={open.value} onClick={toggle}>
          The paper’s panels
        </button>
      </div>
      {open.value && groups.value ? <PanelPicker groups={groups.value} /> : null}
      <p class="about">{known >= 0 ? PRESETS[known]!.about : (gpuText() ?? '')}</p>
    </nav>
  );
}
