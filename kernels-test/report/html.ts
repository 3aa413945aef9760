// What every page must be: one file that needs nothing from elsewhere, and text that stays text.

import { parseHTML } from 'linkedom';
import { expect } from 'vitest';

/** Markup that must never become any. */
export const HOSTILE = `"><script>alert('x')</script>&amp;<b>`;

/** A page after checking that it needs nothing from elsewhere. */
export function parsePage(html: string): Document {
  const { document } = parseHTML(html);
  expect(html).toMatch(/^<!doctype html>/);
  expect(document.querySelectorAll('script, link, iframe, object, embed, base')).toHaveLength(0);
  for (const element of document.querySelectorAll('*')) {
    for (const name of ['src', 'href', 'srcset', 'action', 'data', 'poster', 'background']) {
      const target = element.getAttribute(name);
      // What a reader may follow is another report beside it.
      if (target !== null) expect(target).toMatch(element.tagName === 'A' ? /^[\w-]+\/report\.html$/ : /^data:image\//);
    }
    for (const { name } of [...element.attributes]) expect(name).not.toMatch(/^on/);
  }
  expect(html).not.toMatch(/url\(|@import/);
  expect(document.title).toBe(document.querySelector('h1')!.textContent);
  return document as unknown as Document;
}

export const headings = (document: Document) => [...document.querySelectorAll('h2')].map((head) => head.textContent);

/** The cells of the tables in a section, a list a row. */
export function rowsIn(document: Document, title: string): (string | null)[][] {
  const sections = [...document.querySelectorAll('section')];
  const section = sections.find((each) => each.querySelector('h2')!.textContent === title)!;
  return [...section.querySelectorAll('tbody tr')].map((row) => [...row.children].map((cell) => cell.textContent));
}
