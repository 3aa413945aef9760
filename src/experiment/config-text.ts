// JSON text to a document. JSON.parse in Node 20 does not say where a text went wrong, and it keeps the last of two equal
// keys without a word; a configuration deserves the line, the column and neither of two contradicting values.

import { InputError } from '../data/input-error';

/** Deep enough for any configuration, and far from the end of the stack. */
const MAX_DEPTH = 50;

// biome-ignore lint/suspicious/noControlCharactersInRegex: JSON forbids exactly these inside a string.
const STRING = /"(?:[^"\\\u0000-\u001f]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*"/y;
const NUMBER = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y;
const WORD = /true|false|null/y;
const SPACE = /[ \t\r\n]*/y;

class JsonFault extends Error {
  constructor(
    readonly position: number,
    message: string,
  ) {
    super(message);
  }
}

/** Walks the text by JSON's grammar and throws a JsonFault at the first character that does not fit. */
class Scanner {
  private position = 0;
  constructor(private readonly text: string) {}

  document(): void {
    this.value(0);
    this.skip(SPACE);
    if (this.position < this.text.length) this.fail('nothing more may follow the closing bracket');
  }

  private value(depth: number): void {
    if (depth > MAX_DEPTH) this.fail(`nested more than ${MAX_DEPTH} deep`);
    this.skip(SPACE);
    const start = this.text[this.position];
    if (start === '{') this.list('}', () => this.pair(depth), new Set());
    else if (start === '[') this.list(']', () => this.value(depth + 1));
    else if (start === '"') this.string();
    else if (!this.skip(WORD) && !this.skip(NUMBER)) this.fail('expected a value');
  }

  private list(end: string, item: () => unknown, seen?: Set<string>): void {
    this.position++;
    this.skip(SPACE);
    if (this.take(end)) return;
    do {
      this.skip(SPACE);
      const start = this.position;
      const key = item();
      if (typeof key === 'string' && seen) {
        if (seen.has(key)) throw new JsonFault(start, `the key "${key}" is there twice`);
        seen.add(key);
      }
      this.skip(SPACE);
    } while (this.take(','));
    if (!this.take(end)) this.fail(`expected "," or "${end}"`);
  }

  private pair(depth: number): string {
    if (this.text[this.position] !== '"') this.fail('expected a key in double quotes');
    const key = JSON.parse(this.string()) as string;
    this.skip(SPACE);
    if (!this.take(':')) this.fail('expected ":" after the key');
    this.value(depth + 1);
    return key;
  }

  private string(): string {
    const start = this.position;
    if (!this.skip(STRING)) this.fail('this string has no end on its line, or an escape that JSON does not have');
    return this.text.slice(start, this.position);
  }

  private skip(pattern: RegExp): boolean {
    pattern.lastIndex = this.position;
    const match = pattern.exec(this.text);
    if (match) this.position = pattern.lastIndex;
    return match !== null;
  }

  private take(character: string): boolean {
    if (this.text[this.position] !== character) return false;
    this.position++;
    return true;
  }

  private fail(expected: string): never {
    const found = this.text[this.position];
    throw new JsonFault(this.position, `${expected}, ${found === undefined ? 'but the text ends' : `found ${found}`}`);
  }
}

/** Parses a configuration file's text. Throws an InputError with line and column, counted from 1. */
export function parseConfigText(text: string, file: string): unknown {
  // Editors on Windows put a byte order mark in front, which JSON does not allow.
  const body = text.startsWith('\uFEFF') ? text.slice(1) : text;
  try {
    new Scanner(body).document();
  } catch (error) {
    if (!(error instanceof JsonFault)) throw error;
    const before = body.slice(0, error.position).split('\n');
    const column = (before.at(-1)?.length ?? 0) + 1;
    throw new InputError(`not valid JSON at line ${before.length}, column ${column}: ${error.message}`, {
      file: `${file}:${before.length}:${column}`,
      remedy: 'Correct the text there; JSON has no comments and no comma after the last entry.',
    });
  }
  return JSON.parse(body) as unknown;
}
