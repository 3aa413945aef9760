// The document that figures are made in: the page's own in a browser, linkedom's in Node. Loaded with the first figure, so
// that a run without any does not pay for it, and never loaded in a page.

/** Where SVG elements are made; nothing of it is ever shown. */
export const figureDocument: Document =
  globalThis.document ?? (await import('linkedom')).parseHTML('<!doctype html><html></html>').document;

const SVG = 'http://www.w3.org/2000/svg';

type Attributes = Readonly<Record<string, string | number>>;

/** An SVG element; text is escaped when it is serialised. */
export function svgElement(name: string, attributes: Attributes = {}, text?: string): SVGElement {
  const element = figureDocument.createElementNS(SVG, name) as SVGElement;
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, String(value));
  if (text !== undefined) element.textContent = text;
  return element;
}

// What XML 1.0 has no way to write, escaped or not.
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
const UNWRITABLE = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]/g;

/** The text of a file that stands on its own. */
export function serialise(svg: SVGElement): string {
  svg.setAttribute('xmlns', SVG);
  // HTML's name for a non-breaking space, which XML does not know.
  return `${svg.outerHTML.replaceAll('&nbsp;', '&#160;').replace(UNWRITABLE, '\ufffd')}\n`;
}
