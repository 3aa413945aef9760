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
}

function Tile({ of, at, part }: TileProps) {
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
  return (
    <span aria-hidden="true">
      <canvas class="tile" ref={canvas} />
    </span>
  );
}

interface AnswerProps {
  readonly output: number | undefined;
  readonly label: number;
  readonly names: readonly [string, string];
}

/** What a network says, and whether that is what the sample is. */
function Answer({ output, label, names }: AnswerProps) {
  if (output === undefined) return <td class="answer">–</td>;
  const said = output > 0 ? 1 : -1;
  const right = said === label;
  return (
    <td class={right ? 'answer right' : 'answer'}>
      {names[said === 1 ? 0 : 1]} <span aria-hidden="true">{right ? '✓' : '✗'}</span>
      <span class="unseen">{right ? 'right' : 'wrong'}</span>
    </td>
  );
}

export function Gallery() {
  const of = gallery.value;
  const names = classNames();
  if (!of) {
    return <p class="placeholder">Here come samples, the noise made for each, and the two together.</p>;
  }
  const g = answers.value;
  const name = (label: number) => names[label > 0 ? 0 : 1];
  return (
    <table class="gallery">
      <caption class="unseen">Samples, their perturbations, and what both networks answer to the sum</caption>
      <thead>
        <tr>
          <th scope="col">sample</th>
          <th scope="col">
            <span aria-hidden="true">+ </span>noise
          </th>
          <th scope="col">
            <span aria-hidden="true">= </span>sum
          </th>
          <th scope="col">target</th>
          <th scope="col">
            <i>f</i> says
          </th>
          <th scope="col">
            <i>g</i> says
          </th>
        </tr>
      </thead>
      <tbody>
        {Array.from({ length: of.rows }, (_, at) => (
          <tr key={at}>
            <td>
              <Tile of={of} at={at} part="x" />
              <span class="unseen">a {name(of.labels[at]!)}</span>
            </td>
            <td>
              <Tile of={of} at={at} part="r" />
            </td>
            <td>
              <Tile of={of} at={at} part="sum" />
            </td>
            <td>{name(of.targets[at]!)}</td>
            <Answer output={of.answers.adversarial[at]} label={of.labels[at]!} names={names} />
            <Answer output={g?.adversarial[at]} label={of.labels[at]!} names={names} />
          </tr>
        ))}
      </tbody>
    </table>
  );
}
