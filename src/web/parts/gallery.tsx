// Sample + perturbation = adversarial example, with the label g is told and what both networks answer.

import { useEffect, useRef } from 'preact/hooks';
import type { GallerySnapshot } from '../../experiment/snapshot';
import { classNames } from '../class-names';
import { answers, gallery } from '../live';
import { paintPerturbation, paintSample, rangeOf, shapeOf } from '../pixels';

const row = (values: Float32Array, d: number, at: number) => values.subarray(at * d, (at + 1) * d);

interface TileProps {
  readonly of: GallerySnapshot;
  readonly at: number;
  readonly part: 'x' | 'r' | 'sum';
  /** What it shows, for those who do not see it. */
  readonly label: string;
}

function Tile({ of, at, part, label }: TileProps) {
  const canvas = useRef<HTMLCanvasElement>(null);
  useEffect(() => {
    if (!canvas.current) return;
    const shape = shapeOf(of.d, of.image);
    const x = row(of.x, of.d, at);
    const r = row(of.r, of.d, at);
    // The sum is shown on the sample's own scale: there it looks like the sample, and that is the point.
    if (part === 'r') paintPerturbation(canvas.current, r, shape);
    else if (part === 'x') paintSample(canvas.current, x, shape);
    else
      paintSample(
        canvas.current,
        x.map((value, i) => value + r[i]!),
        shape,
        rangeOf(x),
      );
  }, [of, at, part]);
  return <canvas class="tile" ref={canvas} role="img" aria-label={label} />;
}

const sign = (output: number) => (output > 0 ? 1 : -1);

interface AnswerProps {
  readonly output: number | undefined;
  /** The answer that gets a mark, and what the mark means. */
  readonly wanted: number;
  readonly mark: 'right' | 'target';
  readonly names: readonly [string, string];
}

/** What a network says. */
function Answer({ output, wanted, mark, names }: AnswerProps) {
  if (output === undefined) return <td class="answer">–</td>;
  const hit = sign(output) === wanted;
  const sight = mark === 'target' ? (hit ? '◎' : '') : hit ? '✓' : '✗';
  return (
    <td class={hit ? `answer ${mark}` : 'answer'}>
      {names[output > 0 ? 0 : 1]} <span aria-hidden="true">{sight}</span>
      <span class="unseen">
        {mark === 'target' ? (hit ? 'the target' : 'not the target') : hit ? 'right' : 'wrong'}
      </span>
    </td>
  );
}

/** How often f is fooled, where the target is not what the sample is. */
function Fooled({ of }: { readonly of: GallerySnapshot }) {
  const others = Array.from({ length: of.rows }, (_, at) => at).filter((at) => of.targets[at] !== of.labels[at]);
  const fooled = others.filter((at) => sign(of.answers.adversarial[at]!) === of.targets[at]);
  return (
    <p class="gallery-sum">
      <span aria-hidden="true">◎ </span>is the target. Of these {of.rows}, {others.length} have the other class for a
      target, and <i>f</i> says so of {fooled.length === others.length ? 'all' : fooled.length} of them.
    </p>
  );
}

export function Gallery() {
  const of = gallery.value;
  const names = classNames();
  if (!of) {
    return <p class="placeholder">Here come samples, the noise made for each, and the two together.</p>;
  }
  const g = answers.value;
  const name = (value: number) => names[value > 0 ? 0 : 1];
  const said = (value: number | undefined) => (value === undefined ? 'has not answered yet' : `says ${name(value)}`);
  return (
    <div class="gallery-place">
      <table class="gallery">
        <caption class="unseen">Samples, their perturbations, and what both networks answer</caption>
        <thead>
          <tr>
            <th scope="col">sample</th>
            <th scope="col">
              <span aria-hidden="true">+&nbsp;</span>noise
            </th>
            <th scope="col">
              <span aria-hidden="true">=&nbsp;</span>sum
            </th>
            <th scope="col">target</th>
            <th scope="col">
              <i>f</i> on sample
            </th>
            <th scope="col">
              <i>f</i> on sum
            </th>
            <th scope="col">
              <i>g</i> on sample
            </th>
          </tr>
        </thead>
        <tbody>
          {Array.from({ length: of.rows }, (_, at) => {
            const [label, target] = [of.labels[at]!, of.targets[at]!];
            const [onSample, onSum] = [of.answers.x[at]!, of.answers.adversarial[at]!];
            return (
              <tr key={at}>
                <td>
                  <Tile
                    of={of}
                    at={at}
                    part="x"
                    label={`Sample, a ${name(label)}: f ${said(onSample)}, g ${said(g?.x[at])}`}
                  />
                </td>
                <td>
                  <Tile of={of} at={at} part="r" label={`Noise that moves f towards ${name(target)}`} />
                </td>
                <td>
                  <Tile
                    of={of}
                    at={at}
                    part="sum"
                    label={`Sum, with the target ${name(target)}: f ${said(onSum)}, g ${said(g?.adversarial[at])}`}
                  />
                </td>
                <td>{name(target)}</td>
                <Answer output={onSample} wanted={label} mark="right" names={names} />
                <Answer output={onSum} wanted={target} mark="target" names={names} />
                <Answer output={g?.x[at]} wanted={label} mark="right" names={names} />
              </tr>
            );
          })}
        </tbody>
      </table>
      <Fooled of={of} />
    </div>
  );
}
