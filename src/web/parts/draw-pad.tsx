// Draw a digit, and see what both networks make of it. g has never seen one.

import { useEffect, useRef, useState } from 'preact/hooks';
import { drawGlyphs } from '../../data/glyphs';
import { STREAMS } from '../../data/streams';
import { classNames } from '../class-names';
import { centred, type PenStroke, rasterise } from '../drawing';
import { answers, gallery, result, shown } from '../live';
import { paintSample, rangeOf } from '../pixels';
import { classify, phase } from '../session';

const SIDE = 240;
/** How far an arrow key moves the pen, in sides of the pad. */
const STEP = 0.04;
/** Two-to-the-32 seeds, so that each digit written by a button is another one. */
const SEEDS = 2 ** 32;

interface Pen {
  readonly x: number;
  readonly y: number;
  readonly down: boolean;
}

interface Said {
  readonly f: number;
  readonly g: number;
}

const clamp = (value: number) => Math.min(0.98, Math.max(0.02, value));

function paintPad(
  canvas: HTMLCanvasElement,
  strokes: readonly PenStroke[],
  written: Float32Array | undefined,
  pen: Pen | undefined,
): void {
  const context = canvas.getContext('2d');
  if (!context) return;
  const style = getComputedStyle(canvas);
  context.clearRect(0, 0, canvas.width, canvas.height);
  if (written) paintInk(context, written, style.color);
  context.lineCap = 'round';
  context.lineJoin = 'round';
  context.strokeStyle = style.color;
  context.lineWidth = 0.09 * canvas.width;
  for (const stroke of strokes) {
    context.beginPath();
    for (const [at, [x, y]] of stroke.entries()) {
      if (at === 0) context.moveTo(x * canvas.width, y * canvas.height);
      context.lineTo(x * canvas.width, y * canvas.height);
    }
    context.stroke();
  }
  if (!pen) return;
  context.lineWidth = 3;
  context.strokeStyle = style.outlineColor;
  context.beginPath();
  context.arc(pen.x * canvas.width, pen.y * canvas.height, pen.down ? 10 : 16, 0, 2 * Math.PI);
  context.stroke();
}

/** Pixels of ink, each a square. */
function paintInk(context: CanvasRenderingContext2D, ink: Float32Array, colour: string): void {
  const size = Math.sqrt(ink.length);
  const cell = context.canvas.width / size;
  context.fillStyle = colour;
  for (const [at, value] of ink.entries()) {
    context.globalAlpha = value;
    context.fillRect((at % size) * cell, Math.floor(at / size) * cell, cell + 0.5, cell + 0.5);
  }
  context.globalAlpha = 1;
}

/** One network's answer: which class, and how far to its side. */
function Verdict({ network, output, scale }: { network: 'f' | 'g'; output: number | undefined; scale: number }) {
  const names = classNames();
  const share = output === undefined ? 0 : Math.min(1, Math.abs(output) / scale);
  const said = output === undefined ? '–' : names[output > 0 ? 0 : 1];
  const style = { width: `${50 * share}%`, left: output !== undefined && output < 0 ? '50%' : `${50 - 50 * share}%` };
  return (
    <div class={`verdict ${network}`}>
      <i class="verdict-name">{network}</i>
      <span class="verdict-said" data-verdict={network}>
        {said}
      </span>
      <span class="verdict-bar" aria-hidden="true">
        <span class="verdict-fill" style={style} />
      </span>
      <span class="verdict-ends" aria-hidden="true">
        <span>{names[0]}</span>
        <span>{names[1]}</span>
      </span>
    </div>
  );
}

export function DrawPad() {
  const pad = useRef<HTMLCanvasElement>(null);
  const preview = useRef<HTMLCanvasElement>(null);
  const [strokes, setStrokes] = useState<readonly PenStroke[]>([]);
  /** Written by a button: ink from 0 to 1, size x size. */
  const [written, setWritten] = useState<Float32Array | undefined>(undefined);
  const [pen, setPen] = useState<Pen | undefined>(undefined);
  const [said, setSaid] = useState<Said | undefined>(undefined);
  const drawing = useRef(false);

  const of = gallery.value;
  const image = of?.image;
  const done = result.value;
  const names = classNames();
  const size = image && image.channels === 1 && image.width === image.height ? image.width : undefined;
  const ready = done !== undefined && size !== undefined;
  const digits = ['glyphs', 'mnist', 'idx'].includes(shown.value?.data.kind ?? '')
    ? names.filter((name) => /^\d$/.test(name))
    : [];
  const blank = strokes.length === 0 && !written;

  useEffect(() => {
    if (pad.current) paintPad(pad.current, strokes, written, pen);
  }, [strokes, written, pen]);

  useEffect(() => {
    if (!ready || !of || blank) {
      setSaid(undefined);
      const canvas = preview.current;
      canvas?.getContext('2d')?.clearRect(0, 0, canvas.width, canvas.height);
      return;
    }
    let current = true;
    const timer = setTimeout(() => {
      const ink = written ?? rasterise(centred(strokes), size);
      // Pixels of all image data are 0 to 1, less one number: what paper is in the samples.
      const [paper] = rangeOf(of.x);
      const X = ink.map((value) => value + paper);
      if (preview.current)
        paintSample(preview.current, X, { width: size, height: size, channels: 1 }, [paper, paper + 1]);
      void classify(X).then(
        (answer) => {
          if (current && answer) setSaid({ f: answer.f[0]!, g: answer.g[0]! });
        },
        () => {
          // The device went away meanwhile: session.ts says so.
          if (current) setSaid(undefined);
        },
      );
    }, 60);
    return () => {
      current = false;
      clearTimeout(timer);
    };
  }, [strokes, written, ready, of, size, blank]);

  const at = (event: PointerEvent): readonly [number, number] => {
    const box = pad.current!.getBoundingClientRect();
    return [clamp((event.clientX - box.left) / box.width), clamp((event.clientY - box.top) / box.height)];
  };
  const begin = (point: readonly [number, number]) => {
    setWritten(undefined);
    setStrokes((all) => [...all, [point]]);
  };
  const extend = (point: readonly [number, number]) =>
    setStrokes((all) => [...all.slice(0, -1), [...(all.at(-1) ?? []), point]]);
  const lift = (event: PointerEvent) => {
    if (event.isPrimary) drawing.current = false;
  };
  const clear = () => {
    setStrokes([]);
    setWritten(undefined);
    setPen((now) => now && { ...now, down: false });
  };

  const onKey = (event: KeyboardEvent) => {
    const now = pen ?? { x: 0.5, y: 0.2, down: false };
    const moves: Record<string, readonly [number, number]> = {
      ArrowLeft: [-STEP, 0],
      ArrowRight: [STEP, 0],
      ArrowUp: [0, -STEP],
      ArrowDown: [0, STEP],
    };
    const move = moves[event.key];
    if (move) {
      const next = { ...now, x: clamp(now.x + move[0]), y: clamp(now.y + move[1]) };
      setPen(next);
      if (now.down) extend([next.x, next.y]);
    } else if (event.key === ' ' || event.key === 'Enter') {
      setPen({ ...now, down: !now.down });
      if (!now.down) begin([now.x, now.y]);
    } else if (event.key === 'Delete' || event.key === 'Backspace') clear();
    else return;
    event.preventDefault();
  };

  const write = (digit: number) => {
    if (size === undefined) return;
    const seed = Math.floor(Math.random() * SEEDS);
    const other = digit === 0 ? 1 : 0;
    const bytes = drawGlyphs(1, [digit, other], size, seed, STREAMS.testGlyphs);
    setStrokes([]);
    setWritten(Float32Array.from(bytes, (value) => value / 255));
  };

  // Twice the mean size of what each network says of the samples fills its bar.
  const scaleOf = (values: Float32Array | undefined) =>
    values && values.length > 0 ? (2 * values.reduce((sum, value) => sum + Math.abs(value), 0)) / values.length : 1;

  return (
    <section class="panel draw-panel" aria-labelledby="draw-title">
      <header class="panel-head">
        <h2 id="draw-title">Draw a digit</h2>
        <p>
          {ready
            ? `A ${names[0]} or a ${names[1]}. f has learnt to tell them apart; ${
                shown.value?.perturbation.onData
                  ? 'g was never told which is which.'
                  : 'g has never seen one, only perturbations.'
              }`
            : phase.value === 'paused'
              ? 'The run is paused, and the engine with it: f and g read what you draw here when it has gone on and is done.'
              : 'When the run is done, f and g read what you draw here.'}
        </p>
      </header>
      <div class="draw">
        <div
          class="pad"
          // biome-ignore lint/a11y/noNoninteractiveTabindex: it is drawn on with the keyboard too
          tabIndex={0}
          role="application"
          aria-label="Drawing pad. Arrow keys move the pen, space lowers or lifts it, delete clears."
          onPointerDown={(event) => {
            // A palm or a second finger draws nothing.
            if (!event.isPrimary || event.button !== 0) return;
            event.preventDefault();
            event.currentTarget.focus();
            event.currentTarget.setPointerCapture(event.pointerId);
            drawing.current = true;
            setPen(undefined);
            begin(at(event));
          }}
          onPointerMove={(event) => {
            if (drawing.current && event.isPrimary) extend(at(event));
          }}
          onPointerUp={lift}
          onPointerCancel={lift}
          onBlur={() => setPen(undefined)}
          onKeyDown={onKey}
        >
          <canvas ref={pad} width={2 * SIDE} height={2 * SIDE} />
        </div>
        <div class="verdicts" aria-live="polite">
          <Verdict network="f" output={said?.f} scale={scaleOf(of?.answers.x)} />
          <Verdict network="g" output={said?.g} scale={scaleOf(answers.value?.x)} />
          <div class="seen" aria-hidden="true">
            <canvas class="tile" ref={preview} />
            <span>what they see</span>
          </div>
        </div>
      </div>
      <div class="row">
        <button type="button" onClick={clear} disabled={blank}>
          Clear
        </button>
        {digits.map((name) => (
          <button type="button" key={name} disabled={!ready} onClick={() => write(Number(name))}>
            Write a {name} for me
          </button>
        ))}
      </div>
    </section>
  );
}
