// The decision map: drawn anew at every look at g, and at the end with the theory's lines.

import { useEffect, useRef } from 'preact/hooks';
import { classNames } from '../class-names';
import { plane, result, shown } from '../live';
import { drawMap, type MapColours } from '../map-canvas';
import { drawSoon, forgetDrawing } from '../redraw';
import { shownConfig } from '../setup';

const VARIABLES: Readonly<Record<keyof MapColours, string>> = {
  agree: '--map-agree',
  differ: '--map-differ',
  f: '--f',
  g: '--g',
  positive: '--map-positive',
  negative: '--map-negative',
};

function colours(): MapColours {
  const style = getComputedStyle(document.documentElement);
  const entries = Object.entries(VARIABLES).map(([key, name]) => [key, style.getPropertyValue(name).trim()]);
  return Object.fromEntries(entries) as unknown as MapColours;
}

/** Share of the plane where f and g decide alike. */
function agreeing({ f, g }: { readonly f: Float32Array; readonly g: Float32Array }): number {
  let same = 0;
  for (const [at, value] of f.entries()) if (Math.sign(value) === Math.sign(g[at]!)) same++;
  return same / f.length;
}

export function DecisionMapPanel() {
  const canvas = useRef<HTMLCanvasElement>(null);
  const map = plane.value;
  const names = classNames();
  const wanted = (shown.value ?? shownConfig.value).theory.map !== false;

  useEffect(() => {
    const element = canvas.current;
    if (!element) return;
    const draw = () => {
      const drawn = plane.peek();
      const side = element.clientWidth;
      if (drawn && side > 0) drawMap(element, drawn, side, colours());
      else element.getContext('2d')?.clearRect(0, 0, element.width, element.height);
    };
    const redraw = () => drawSoon(element, draw);
    redraw();
    const scheme = matchMedia('(prefers-color-scheme: dark)');
    scheme.addEventListener('change', redraw);
    const observer = new ResizeObserver(redraw);
    observer.observe(element);
    return () => {
      scheme.removeEventListener('change', redraw);
      observer.disconnect();
      forgetDrawing(element);
    };
  }, [map, wanted]);

  const share = map ? `${(100 * agreeing(map)).toFixed(1)} % of the plane` : undefined;
  return (
    <section class="panel map-panel" aria-labelledby="map-title">
      <header class="panel-head">
        <h2 id="map-title">Decision map</h2>
        <p>
          The plane of the two class means.{' '}
          {share ? `f and g decide alike on ${share}.` : 'It fills in while g learns.'}
        </p>
      </header>
      {wanted ? null : <p class="placeholder">No map was asked for: switch it on under “Advanced”.</p>}
      {wanted ? (
        <canvas
          class="map"
          ref={canvas}
          data-map={map ? (result.value?.map ? 'final' : 'live') : 'empty'}
          role="img"
          aria-label={share ? `Decision map: f and g decide alike on ${share}` : 'Decision map: nothing yet'}
        />
      ) : null}
      {wanted ? (
        <ul class="legend">
          <li class="key f">f = 0</li>
          <li class="key g">g = 0</li>
          <li class="key dashed">predicted by the theory</li>
          <li class="key differ">f and g differ</li>
          <li class="key positive">{names[0]}</li>
          <li class="key negative">{names[1]}</li>
        </ul>
      ) : null}
    </section>
  );
}
