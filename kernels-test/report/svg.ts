// What must hold of every figure, and ways to look into one.

import { parseHTML } from 'linkedom';
import { expect } from 'vitest';

/** The root of an SVG file, after checking that the file stands on its own and holds nothing that is no number. */
export function parseSvg(text: string): SVGSVGElement {
  expect(text).toMatch(/^<svg [^>]*xmlns="http:\/\/www\.w3\.org\/2000\/svg"/);
  expect(text).not.toMatch(/NaN|Infinity|undefined|&nbsp;/);
  const outside = [...text.matchAll(/(?:href|src)="([^"]*)"|url\(([^)]*)\)/g)].map((match) => match[1] ?? match[2]!);
  for (const target of outside) expect(target).toMatch(/^(data:|#)/);
  expect(text).not.toMatch(/<script|<style|<foreignObject/i);
  const root = parseHTML(text).document.querySelector('svg') as unknown as SVGSVGElement;
  expect(root.getAttribute('role')).toBe('img');
  expect(root.querySelector('rect')!.getAttribute('fill')).toBe('#ffffff');
  return root;
}

/** All text of a figure, in order. */
export const texts = (root: Element): string[] => [...root.querySelectorAll('text')].map((text) => text.textContent!);

/** Groups of marks by the label that Plot gives them. */
export const groups = (root: Element, label: string): Element[] => [
  ...root.querySelectorAll(`g[aria-label="${label}"]`),
];

/** The points of a path of straight lines. */
export const pathPoints = (path: Element): [number, number][] =>
  [...path.getAttribute('d')!.matchAll(/[ML](-?[\d.]+),(-?[\d.]+)/g)].map((m) => [Number(m[1]), Number(m[2])]);
