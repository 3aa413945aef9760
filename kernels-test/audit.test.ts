// Known vulnerabilities in what is installed with the package, where the registry answers: `npm audit`, read as a test.

import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';

const ROOT = fileURLToPath(new URL('..', import.meta.url));

interface Report {
  readonly vulnerabilities?: Readonly<Record<string, { readonly severity: string; readonly via: readonly unknown[] }>>;
  readonly message?: string;
  readonly error?: { readonly summary?: string };
}

/** What is wrong, or why that could not be found out. */
async function audit(...options: string[]): Promise<{ readonly found: string[] } | { readonly unanswered: string }> {
  const quick = ['--fetch-retries=0', '--fetch-timeout=5000'];
  const args = ['audit', '--omit=dev', '--json', ...quick, ...options];
  const [stdout, stderr] = await new Promise<[string, string]>((resolve) => {
    // It ends with 1 when it finds anything, and when it cannot ask.
    execFile('npm', args, { cwd: ROOT, timeout: 60_000 }, (_, out, err) => resolve([out, err]));
  });
  const report: Report = stdout === '' ? { message: stderr || 'npm gave no answer in time' } : JSON.parse(stdout);
  const { vulnerabilities, message, error } = report;
  if (!vulnerabilities) return { unanswered: message ?? error?.summary ?? stdout };
  const grave = Object.entries(vulnerabilities).filter(([, { severity }]) => /^(high|critical)$/.test(severity));
  return { found: grave.map(([name, { severity, via }]) => `${name}, ${severity}: ${JSON.stringify(via)}`) };
}

test('no dependency has a known vulnerability of high or critical severity', async ({ skip }) => {
  const outcome = await audit();
  if ('unanswered' in outcome) return skip(`the registry does not say: ${outcome.unanswered}`);
  expect(outcome.found).toEqual([]);
});

describe('a registry of the test', () => {
  /** Without what npm remembers of the real one, and without leaving anything there. */
  const apart = async <T>(use: (cache: string) => Promise<T>): Promise<T> => {
    const cache = await mkdtemp(join(tmpdir(), 'perturb-audit-'));
    return use(`--cache=${cache}`).finally(() => rm(cache, { recursive: true, force: true }));
  };

  test.for([
    ['high', [expect.stringContaining('fast-png, high'), expect.stringContaining('fflate, high')]],
    ['moderate', []],
  ] as const)('that knows one of %s severity', async ([severity, found]) => {
    const advisory = { id: 1, url: 'https://example.invalid/1', title: 'A hole', severity, vulnerable_versions: '*' };
    const registry = createServer((request, response) => {
      const asked = request.url?.endsWith('/security/advisories/bulk');
      response.writeHead(asked ? 200 : 404, { 'Content-Type': 'application/json' });
      response.end(asked ? JSON.stringify({ fflate: [advisory] }) : '{}');
    });
    await new Promise<void>((resolve) => registry.listen(0, '127.0.0.1', resolve));
    const { port } = registry.address() as { port: number };
    const outcome = await apart((cache) => audit(`--registry=http://127.0.0.1:${port}/`, cache));
    expect(outcome).toEqual({ found });
    registry.close();
  });

  test('that does not answer is told, not taken for a clean bill', async () => {
    const outcome = await apart((cache) => audit('--registry=http://127.0.0.1:9/', cache));
    expect(outcome).toEqual({ unanswered: expect.stringMatching(/ECONNREFUSED/) });
  });
});
