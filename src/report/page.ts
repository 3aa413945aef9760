// A page that needs nothing but itself: no script, no network, no font of its own. Sections in, HTML out.

import { base64 } from './base64';
import { escapeHtml } from './escape';

/** HTML that has been made safe: the functions here make it. */
export interface Html {
  readonly html: string;
}

export interface Section {
  readonly title: string;
  readonly body: readonly Html[];
}

export interface Page {
  readonly title: string;
  /** A sentence or two under the title. */
  readonly lead?: string;
  readonly sections: readonly Section[];
}

const utf8 = new TextEncoder();

export const paragraph = (text: string): Html => ({ html: `<p>${escapeHtml(text)}</p>` });

/** Text as it is, in a fixed pitch: configurations and commands. */
export const verbatim = (text: string): Html => ({ html: `<pre><code>${escapeHtml(text)}</code></pre>` });

/** JSON text whose short parts stay on a line, so that a grid does not take a page. */
export function compactJson(value: unknown, indent = ''): string {
  const inline = JSON.stringify(value, null, 1)?.replace(/\n\s*/g, ' ') ?? 'null';
  if (typeof value !== 'object' || value === null || indent.length + inline.length <= 96) return inline;
  const inner = `${indent}  `;
  const [open, close] = Array.isArray(value) ? '[]' : '{}';
  const parts = Array.isArray(value)
    ? value.map((each) => compactJson(each, inner))
    : Object.entries(value)
        .filter(([, each]) => each !== undefined)
        .map(([key, each]) => `${JSON.stringify(key)}: ${compactJson(each, inner)}`);
  return `${open}\n${parts.map((part) => `${inner}${part}`).join(',\n')}\n${indent}${close}`;
}

/** Hidden until it is asked for. */
export const details = (summary: string, body: readonly Html[]): Html => ({
  html: `<details><summary>${escapeHtml(summary)}</summary>${join(body)}</details>`,
});

/** Numbers to be read from afar, each with a line that says what it means. */
export function figures(
  items: readonly { readonly value: string; readonly name: string; readonly meaning: string }[],
): Html {
  const tiles = items.map(({ value, name, meaning }) => {
    const [large, small, line] = [value, name, meaning].map(escapeHtml);
    return `<div class="tile"><div class="value">${large}</div><div class="name">${small}</div><p>${line}</p></div>`;
  });
  return { html: `<div class="tiles">${tiles.join('')}</div>` };
}

/** Rows of a name and what it is. */
export function facts(rows: readonly (readonly [string, string])[]): Html {
  const lines = rows.map(
    ([name, value]) => `<tr><th scope="row">${escapeHtml(name)}</th><td>${escapeHtml(value)}</td></tr>`,
  );
  return { html: `<div class="wide"><table class="facts">${lines.join('')}</table></div>` };
}

/** @param href relative to the page, or whole */
export const link = (href: string, text: string): Html => ({
  html: `<a href="${escapeHtml(href)}">${escapeHtml(text)}</a>`,
});

/** A table under a row of headings; numbers are set right. */
export function table(head: readonly string[], rows: readonly (readonly (string | number | Html)[])[]): Html {
  const cell = (value: string | number | Html) => {
    if (typeof value === 'number') return `<td class="number">${value}</td>`;
    return `<td>${typeof value === 'string' ? escapeHtml(value) : value.html}</td>`;
  };
  const headings = head.map((name) => `<th scope="col">${escapeHtml(name)}</th>`).join('');
  const lines = rows.map((row) => `<tr>${row.map(cell).join('')}</tr>`).join('');
  return { html: `<div class="wide"><table><thead><tr>${headings}</tr></thead><tbody>${lines}</tbody></table></div>` };
}

/** An SVG figure. It is put in as an image, so that neither its names nor its style meet those of the page. */
export function svgFigure(svg: string, description: string, caption?: string): Html {
  const below = caption === undefined ? '' : `<figcaption>${escapeHtml(caption)}</figcaption>`;
  return { html: `<figure>${svgImage(svg, description)}${below}</figure>` };
}

const svgImage = (svg: string, description: string): string =>
  `<img src="data:image/svg+xml;base64,${base64(utf8.encode(svg))}" alt="${escapeHtml(description)}">`;

/** Small figures in columns, each the way to more; one without a picture is a line of text. */
export function gallery(
  items: readonly { readonly href: string; readonly svg?: string; readonly title: string; readonly note: string }[],
): Html {
  const cards = items.map(({ href, svg, title, note }) => {
    const picture = svg === undefined ? '' : `<span class="picture">${svgImage(svg, '')}</span>`;
    const text = `<span class="name">${escapeHtml(title)}</span><span class="note">${escapeHtml(note)}</span>`;
    return `<a class="card" href="${escapeHtml(href)}">${picture}${text}</a>`;
  });
  return { html: `<div class="gallery">${cards.join('')}</div>` };
}

/** Small PNG pictures in a table: a column for each head (in lines), a named row for each line of pictures. */
export function pictureTable(
  head: readonly string[],
  rows: readonly { readonly name: string; readonly pictures: readonly Uint8Array[] }[],
): Html {
  const headings = ['', ...head].map((name) => `<th scope="col">${escapeHtml(name)}</th>`).join('');
  const lines = rows.map(({ name, pictures }) => {
    const cells = pictures.map((bytes, at) => {
      const alt = escapeHtml(`${name}, ${(head[at] ?? '').replaceAll('\n', ', ')}`);
      return `<td><img class="pixels" src="data:image/png;base64,${base64(bytes)}" alt="${alt}"></td>`;
    });
    return `<tr><th scope="row">${escapeHtml(name)}</th>${cells.join('')}</tr>`;
  });
  const body = `<thead><tr>${headings}</tr></thead><tbody>${lines.join('')}</tbody>`;
  return { html: `<div class="wide"><table class="samples">${body}</table></div>` };
}

/** Figures beside one another where there is room. */
export const row = (body: readonly Html[]): Html => ({ html: `<div class="row">${join(body)}</div>` });

const join = (body: readonly Html[]) => body.map(({ html }) => html).join('\n');

const STYLE = `
:root { color-scheme: light dark; --ink: #1d2023; --soft: #5a6268; --page: #f6f7f8; --card: #ffffff; --line: #dde1e4; --link: #0b5cad; }
@media screen and (prefers-color-scheme: dark) {
  :root { --ink: #e6e8ea; --soft: #a3abb2; --page: #16191b; --card: #1f2326; --line: #363c41; --link: #7db7ef; }
}
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 66rem; padding: 2rem 1rem 4rem; background: var(--page); color: var(--ink);
  font: 1rem/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif; }
h1 { font-size: 1.7rem; line-height: 1.2; margin: 0 0 .5rem; overflow-wrap: anywhere; }
h2 { font-size: 1.15rem; margin: 2.2rem 0 .6rem; }
p { margin: .4rem 0; max-width: 46rem; }
.lead, .tile p { color: var(--soft); }
.tiles { display: grid; grid-template-columns: repeat(auto-fit, minmax(13rem, 1fr)); gap: .8rem; margin-bottom: .8rem; }
.tile { background: var(--card); border: 1px solid var(--line); border-radius: 8px; padding: .9rem 1rem; }
.value { font-size: 2rem; font-weight: 600; line-height: 1.2; font-variant-numeric: tabular-nums; }
.name { font-weight: 600; }
.tile p { margin: .2rem 0 0; font-size: .9rem; }
.gallery { display: grid; grid-template-columns: repeat(auto-fill, minmax(15rem, 1fr)); gap: .8rem; }
.card { display: flex; flex-direction: column; background: var(--card); border: 1px solid var(--line); border-radius: 8px;
  color: inherit; text-decoration: none; overflow: hidden; break-inside: avoid; }
.card:hover, .card:focus-visible { border-color: var(--soft); }
.card .picture { background: #fff; padding: .3rem; }
.card img { display: block; width: 100%; aspect-ratio: 4 / 3; object-fit: contain; }
.card .name { padding: .5rem .7rem 0; }
.card .note { padding: 0 .7rem .5rem; color: var(--soft); font-size: .85rem; }
a { color: var(--link); }
.row { display: flex; flex-wrap: wrap; gap: .8rem; align-items: flex-start; margin: .6rem 0; }
.row figure { margin: 0; }
figure { margin: .6rem 0; width: fit-content; max-width: 100%; background: #fff; border: 1px solid var(--line); border-radius: 8px; padding: .6rem; }
figure img { display: block; max-width: 100%; height: auto; }
img.pixels { image-rendering: pixelated; }
.samples td, .samples thead th { text-align: center; }
.samples thead th { white-space: pre-line; }
.samples img { width: 4.4rem; display: block; }
figcaption { color: #555; font-size: .9rem; margin-top: .4rem; width: 0; min-width: 100%; }
.wide { overflow-x: auto; }
table { border-collapse: collapse; background: var(--card); font-size: .92rem; }
th, td { border: 1px solid var(--line); padding: .35rem .6rem; text-align: left; vertical-align: top; }
.facts td { white-space: pre-line; overflow-wrap: anywhere; }
.facts th { white-space: nowrap; font-weight: 600; }
td.number { text-align: right; font-variant-numeric: tabular-nums; }
pre { background: var(--card); border: 1px solid var(--line); border-radius: 8px; padding: .8rem 1rem; overflow-x: auto;
  font-size: .85rem; line-height: 1.45; }
summary { cursor: pointer; }
@media (max-width: 30rem) { body { padding: 1rem .6rem 2rem; } figure { padding: .2rem; } }
@media print {
  :root { color-scheme: light; }
  body { background: #fff; max-width: none; padding: 0; }
  h2 { break-after: avoid; }
  figure, .tile, tr { break-inside: avoid; }
  .row figure { max-width: 49%; }
  .wide { overflow: visible; }
  table { font-size: .8rem; }
  .samples img { width: 3rem; }
  .samples td, .samples th { padding: .2rem .3rem; }
  pre { white-space: pre-wrap; }
}
`;

/** The page as the text of an .html file. */
export function page({ title, lead, sections }: Page): string {
  const parts = sections.map(
    ({ title: heading, body }) => `<section>\n<h2>${escapeHtml(heading)}</h2>\n${join(body)}\n</section>`,
  );
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escapeHtml(title)}</title>
<style>${STYLE}</style>
</head>
<body>
<h1>${escapeHtml(title)}</h1>
${lead === undefined ? '' : `<p class="lead">${escapeHtml(lead)}</p>\n`}${parts.join('\n')}
</body>
</html>
`;
}
