// The README's snippets, so that each is run or read by a test as it stands.

import { readFileSync } from 'node:fs';

const README = readFileSync(new URL('../README.md', import.meta.url), 'utf8');

/** Blocks in a language, in order. @param from the heading that they follow; up to the next one as high or higher */
export function snippets(languages: RegExp, from?: string): { readonly language: string; readonly text: string }[] {
  const text = from === undefined ? README : sectionOf(from);
  return [...text.matchAll(/```(\w+)\n(.*?)```/gs)].flatMap(([, language, body]) =>
    languages.test(language!) ? [{ language: language!, text: body! }] : [],
  );
}

/** The lines that begin with a command, without their comments. */
export function commands(name: string): string[] {
  const lines = [...README.matchAll(/^ {4}(.*)$/gm)].map(([, line]) => line!.replace(/\s+#.*$/, ''));
  return lines.filter((line) => line.startsWith(`${name} `)).map((line) => line.slice(name.length + 1));
}

function sectionOf(heading: string): string {
  const level = /^#+/.exec(heading)![0];
  const start = README.indexOf(`\n${heading}\n`);
  if (start < 0) throw new Error(`the README has no "${heading}"`);
  const rest = README.slice(start + heading.length + 2);
  const end = rest.search(new RegExp(`^#{1,${level.length}} `, 'm'));
  return end < 0 ? rest : rest.slice(0, end);
}
