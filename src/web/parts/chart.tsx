import { useEffect, useRef } from 'preact/hooks';
import { CHART_HEIGHT, type ChartKind } from '../chart-kinds';
import { courses, type Training } from '../live';
import { drawSoon, forgetDrawing } from '../redraw';

let drawing: Promise<typeof import('../charts')> | undefined;
const loadCharts = (): Promise<typeof import('../charts')> => {
  drawing ??= import('../charts');
  return drawing;
};

/** Draws one chart of each kind for nobody, each in an idle moment: the first real ones then do not hold the page up. */
export async function warmCharts(): Promise<void> {
  const { drawChart } = await loadCharts();
  const values = Float32Array.of(3, 2, 1);
  const looks = [0, 1, 2].map((epoch) => ({ epoch, accuracy: 0.5, agreement: 0.5 }));
  const course = { epochs: 3, epoch: 3, loss: values, lr: values, looks };
  // Safari has no idle callbacks.
  const soon = globalThis.requestIdleCallback ?? ((draw: () => void) => setTimeout(draw, 50));
  for (const kind of ['rate', 'loss', 'accuracy'] as const) {
    await new Promise<void>((resolve) => soon(() => resolve()));
    drawChart(kind, 'standard', course, 200);
  }
}

export interface ChartProps {
  readonly kind: ChartKind;
  readonly training: Training;
  readonly title: string;
  /** What a screen reader says of it: the chart's last value. */
  readonly summary: string;
}

/** One live chart under its title. */
export function Chart({ kind, training, title, summary }: ChartProps) {
  const place = useRef<HTMLDivElement>(null);
  const course = courses[training].value;
  const empty = kind === 'accuracy' ? course.looks.length === 0 : course.loss.length === 0;

  useEffect(() => {
    const div = place.current;
    if (!div) return;
    if (empty) {
      forgetDrawing(div);
      div.replaceChildren();
      return;
    }
    void loadCharts().then(({ drawChart }) =>
      drawSoon(div, () => {
        const width = div.clientWidth;
        if (width > 0) div.replaceChildren(drawChart(kind, training, courses[training].value, width));
      }),
    );
  }, [course, empty, kind, training]);

  useEffect(() => {
    const div = place.current;
    if (!div) return;
    const observer = new ResizeObserver(() => {
      if (!div.firstChild || !drawing) return;
      void drawing.then(({ drawChart }) =>
        drawSoon(div, () => div.replaceChildren(drawChart(kind, training, courses[training].value, div.clientWidth))),
      );
    });
    observer.observe(div);
    return () => {
      observer.disconnect();
      forgetDrawing(div);
    };
  }, [kind, training]);

  return (
    <div class="chart" role="img" aria-label={empty ? `${title}: nothing yet` : `${title}: ${summary}`}>
      <p class="chart-title" aria-hidden="true">
        {title}
      </p>
      <div
        class="chart-place"
        data-chart={`${kind}-${training}`}
        style={{ height: `${CHART_HEIGHT[kind]}px` }}
        ref={place}
      />
    </div>
  );
}
