// `perturb doctor`: whether this adapter computes rightly, as a text to paste into a report.

import { toJson } from '../experiment/artifacts';
import { seconds } from '../report/format';
import { withEngine } from './engine';
import { EXIT, IncompleteError } from './failure';
import type { CliIo, Disposable, Finding, Services } from './io';

export interface DoctorArguments {
  readonly device?: string;
  readonly json?: boolean;
  readonly quiet?: boolean;
}

/** Lines of a mismatch that are shown; --json has all. */
const SHOWN_LINES = 8;

export async function doctorCommand<E extends Disposable>(
  args: DoctorArguments,
  services: Services<E>,
  io: CliIo,
): Promise<void> {
  const began = io.now();
  await withEngine(services, io, { device: args.device }, async (engine) => {
    const { device, versions } = await services.identify(engine);
    const findings: Finding[] = [];
    for await (const finding of services.examine(engine, io.signal)) {
      findings.push(finding);
      if (!args.quiet && !args.json && finding.status === 'wrong') io.stderr.write(`wrong: ${finding.subject}\n`);
    }
    const system = {
      device,
      versions,
      platform: `${process.platform} ${process.arch}`,
      adapter: services.adapterOf(engine),
    };
    const of = (status: string) => findings.filter((each) => each.status === status);
    const [right, wrong, skipped] = [of('right'), of('wrong'), of('skipped')];
    const took = (io.now() - began) / 1000;
    if (args.json) io.stdout.write(toJson({ ...system, seconds: took, findings }));
    else {
      const lines = [
        `adapter    ${device}`,
        ...Object.entries(system.adapter)
          .filter(([name, value]) => name !== 'name' && value !== '' && value !== null)
          .map(([name, value]) => `           ${name}: ${String(value)}`),
        `versions   ${Object.entries(versions)
          .map(([name, value]) => `${name} ${value}`)
          .join(', ')}`,
        `system     ${system.platform}`,
        `checks     ${right.length} right, ${wrong.length} wrong, ${skipped.length} skipped, in ${seconds(took)}`,
        ...unique(skipped.map(({ subject, detail }) => `skipped    ${subject}: ${detail}`)),
        ...wrong.flatMap(({ subject, detail }) => [`WRONG      ${subject}`, ...indented(detail)]),
      ];
      io.stdout.write(`${lines.join('\n')}\n`);
      if (wrong.length === 0) io.stdout.write('Every kernel and trainer computes here what it should.\n');
    }
    if (wrong.length > 0) {
      throw new IncompleteError(
        `${wrong.length} of ${findings.length} checks went wrong on ${device}: its results cannot be relied on`,
        'Update the GPU driver or choose another adapter with --device; please report it with the text above.',
        EXIT.internal,
      );
    }
  });
}

const unique = (lines: readonly string[]) => [...new Set(lines)];

function indented(detail: string): string[] {
  const lines = detail.split('\n');
  const more = lines.length > SHOWN_LINES ? [`... and ${lines.length - SHOWN_LINES} more lines (--json)`] : [];
  return [...lines.slice(0, SHOWN_LINES), ...more].map((line) => `           ${line}`);
}
