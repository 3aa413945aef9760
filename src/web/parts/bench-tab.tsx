// The kernels on this device: how fast, and what share of what the device can do at most.

import { useEffect, useRef } from 'preact/hooks';
import type { BenchReport } from '../../bench/bench';
import { shapeName } from '../../bench/cases';
import { benchDownload, measuring, report, rows, startBench, stopBench } from '../bench';
import { save } from '../downloads';
import { adapter, engineState } from '../engine';
import { milliseconds } from '../format';
import { busy } from '../session';
import { NoticeBar } from './notice-bar';
import { Readout } from './readout';
import { TuningPanel } from './tuning-panel';

function Roofline({ of }: { readonly of: BenchReport }) {
  const place = useRef<HTMLDivElement>(null);
  useEffect(() => {
    const div = place.current;
    if (!div) return;
    const draw = () =>
      void import('../roofline').then(({ drawRoofline }) => div.replaceChildren(drawRoofline(of, div.clientWidth)));
    const observer = new ResizeObserver(draw);
    observer.observe(div);
    return () => observer.disconnect();
  }, [of]);
  return (
    <div
      class="roofline"
      role="img"
      aria-label={`Roofline: ${of.ceilings.gflops.toPrecision(3)} GFLOP/s of arithmetic, ${of.ceilings.gbs.toPrecision(3)} GB/s of copying`}
    >
      <div ref={place} />
    </div>
  );
}

function Rows() {
  if (rows.value.length === 0) return null;
  return (
    <div class="scroll">
      <table class="bench">
        <thead>
          <tr>
            <th scope="col">no.</th>
            <th scope="col">kernel</th>
            <th scope="col">n / d / m</th>
            <th scope="col">ms</th>
            <th scope="col">GFLOP/s</th>
            <th scope="col">of the ceiling</th>
          </tr>
        </thead>
        <tbody>
          {rows.value.map((row, at) => (
            <tr key={`${row.kernel} ${shapeName(row.shape)}`}>
              <td>{at + 1}</td>
              <th scope="row">{row.kernel}</th>
              <td>{shapeName(row.shape).replaceAll('/', ' / ')}</td>
              <td>{milliseconds(row.median)}</td>
              <td>{row.gflops.toPrecision(3)}</td>
              <td>
                <span class="share" aria-hidden="true">
                  <span style={{ width: `${Math.min(100, 100 * row.ofRoofline)}%` }} />
                </span>
                {(100 * row.ofRoofline).toFixed(0)} %
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

export function BenchTab() {
  const now = measuring.value;
  const done = report.value;
  // A software adapter would take hours for the widest shapes.
  const quick = adapter.value?.software !== false;
  return (
    <>
      <section class="lead">
        <h1>How fast are the kernels here?</h1>
        <p class="about">
          Each kernel is checked against float64, then timed in turns on the device’s own clock where it has one, and
          set against the arithmetic and the copying that this device was measured to do at most.
        </p>
      </section>
      <section class="run-bar" aria-label="The benchmark">
        {now ? (
          <button type="button" class="primary" onClick={stopBench}>
            Cancel
          </button>
        ) : (
          <button
            type="button"
            class="primary"
            disabled={engineState.value !== 'ready' || busy.value}
            onClick={() => startBench({ quick })}
          >
            {done ? 'Measure again' : 'Measure'}
          </button>
        )}
        <div class="progress">
          <progress
            aria-label="Progress of the benchmark"
            max={100}
            value={now ? (100 * now.done) / now.cases : done ? 100 : 0}
          />
          <span class="status" data-bench={now ? 'running' : done ? 'done' : 'idle'}>
            {now
              ? `Measuring ${now.text} (${now.done + 1} of ${now.cases})`
              : done
                ? `${done.rows.length} measurements`
                : busy.value
                  ? 'An experiment is under way: what is measured beside it would be too slow. Let it end, or cancel it'
                  : `About ${quick ? 'two minutes on this software adapter' : 'a minute'}`}
          </span>
        </div>
        {done ? (
          <button type="button" onClick={() => void save(benchDownload(done))}>
            Download JSON
          </button>
        ) : null}
      </section>
      <NoticeBar />
      <div class="panel bench-panel">
        {done ? (
          <div class="readouts">
            <Readout
              id="gflops"
              name="multiply-adds at most"
              value={done.ceilings.gflops.toPrecision(3)}
              unit="GFLOP/s"
            />
            <Readout id="gbs" name="copying at most" value={done.ceilings.gbs.toPrecision(3)} unit="GB/s" />
          </div>
        ) : null}
        {rows.value.length === 0 ? <p class="placeholder">Nothing has been measured yet.</p> : <Rows />}
        {done ? <Roofline of={done} /> : null}
      </div>
      <TuningPanel quick={quick} />
    </>
  );
}
