import { useEffect, useRef } from 'preact/hooks';
import { CHART_HEIGHT, type ChartKind } from '../chart-kinds';
import { courses, type Training } from '../live';
import { drawSoon, forgetDrawing } from '../redraw';

let drawing: Promise<typeof import('../charts')> | undefined;
/** Fetched while the page is idle, so that the first curve waits for nothing. */
export const loadCharts = (): Promise<typeof import('../charts')> => {
  drawing ??= import('../charts');
  return drawing;
};

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
    <figure class="chart" role="img" aria-label={empty ? `${title}: nothing yet` : `${title}: ${summary}`}>
      <figcaption aria-hidden="true">{title}</figcaption>
      <div
        class="chart-place"
        data-chart={`${kind}-${training}`}
        style={{ height: `${CHART_HEIGHT[kind]}px` }}
        ref={place}
      />
    </figure>
  );
}
