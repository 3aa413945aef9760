// The header of an .npy file is a Python dictionary literal. This reads exactly that much Python and nothing else.
// Source: NumPy Enhancement Proposal 1 and numpy.lib.format (versions 1.0, 2.0, 3.0).

/** What a Python literal in a header can be; integers that a double cannot hold exactly are refused. */
export type Literal = string | number | boolean | Literal[] | { [key: string]: Literal };

/** Thrown with the position, in characters, where the literal stops making sense. */
export class LiteralError extends Error {
  constructor(
    message: string,
    readonly position: number,
  ) {
    super(message);
  }
}

// Deep enough for any real header (structured types nest twice), shallow enough for any stack.
const MAX_DEPTH = 16;

class Parser {
  #at = 0;
  constructor(readonly text: string) {}

  parse(): Literal {
    const value = this.#value(0);
    this.#skipSpace();
    if (this.#at < this.text.length) this.#fail(`unexpected '${this.text[this.#at]}' after the header`);
    return value;
  }

  #fail(message: string): never {
    throw new LiteralError(message, this.#at);
  }

  #skipSpace(): void {
    while (' \t\n\r\f'.includes(this.text[this.#at] ?? 'x')) this.#at++;
  }

  /** Consumes `token` if it comes next. */
  #take(token: string): boolean {
    this.#skipSpace();
    if (!this.text.startsWith(token, this.#at)) return false;
    this.#at += token.length;
    return true;
  }

  #value(depth: number): Literal {
    if (depth > MAX_DEPTH) this.#fail('nested too deeply');
    this.#skipSpace();
    const next = this.text[this.#at];
    if (next === undefined) this.#fail('the header ends in the middle');
    if (next === "'" || next === '"') return this.#string(next);
    if (this.#take('{')) return this.#dictionary(depth);
    if (this.#take('(')) return this.#sequence(')', depth);
    if (this.#take('[')) return this.#sequence(']', depth);
    if (this.#take('True')) return true;
    if (this.#take('False')) return false;
    return this.#integer();
  }

  #string(quote: string): string {
    const end = this.text.indexOf(quote, this.#at + 1);
    const value = end < 0 ? '' : this.text.slice(this.#at + 1, end);
    // numpy writes no escapes in the three fields that matter.
    if (end < 0 || value.includes('\\') || value.includes('\n')) this.#fail('malformed string');
    this.#at = end + 1;
    return value;
  }

  #integer(): number {
    // A trailing L is how Python 2 wrote long integers.
    const digits = /^(\d+)L?(?![\w.])/.exec(this.text.slice(this.#at, this.#at + 40));
    const value = Number(digits?.[1] ?? Number.NaN);
    if (!digits || !Number.isSafeInteger(value)) this.#fail('expected a value');
    this.#at += digits[0].length;
    return value;
  }

  #sequence(close: string, depth: number): Literal[] {
    const items: Literal[] = [];
    while (!this.#take(close)) {
      items.push(this.#value(depth + 1));
      if (this.#take(',')) continue;
      if (!this.#take(close)) this.#fail(`expected ',' or '${close}'`);
      // (3) is the number 3 in Python, not a shape of one axis.
      if (close === ')' && items.length === 1) this.#fail("a tuple of one needs a ','");
      break;
    }
    return items;
  }

  #dictionary(depth: number): { [key: string]: Literal } {
    const entries = new Map<string, Literal>();
    while (!this.#take('}')) {
      this.#skipSpace();
      const quote = this.text[this.#at];
      if (quote !== "'" && quote !== '"') this.#fail('expected a key in quotes');
      const key = this.#string(quote);
      if (entries.has(key)) this.#fail(`the key '${key}' comes twice`);
      if (!this.#take(':')) this.#fail("expected ':'");
      entries.set(key, this.#value(depth + 1));
      if (this.#take(',')) continue;
      if (!this.#take('}')) this.#fail("expected ',' or '}'");
      break;
    }
    return Object.fromEntries(entries);
  }
}

/** The three fields of an .npy header. */
export interface NpyHeader {
  /** Element type as numpy writes it, such as `<f4`; anything but a plain type arrives as a description in words. */
  readonly descr: string;
  readonly fortranOrder: boolean;
  readonly shape: readonly number[];
}

/**
 * Reads the dictionary of an .npy header.
 * @throws LiteralError for anything but the three fields, each of its type
 */
export function parseNpyHeader(text: string): NpyHeader {
  const value = new Parser(text).parse();
  if (typeof value !== 'object' || Array.isArray(value)) throw new LiteralError('the header is no dictionary', 0);
  const { descr, fortran_order: fortranOrder, shape } = value;
  for (const key of Object.keys(value)) {
    if (!['descr', 'fortran_order', 'shape'].includes(key)) throw new LiteralError(`unexpected key '${key}'`, 0);
  }
  if (descr === undefined) throw new LiteralError("the key 'descr' is missing", 0);
  if (typeof fortranOrder !== 'boolean') throw new LiteralError("'fortran_order' must be True or False", 0);
  if (!Array.isArray(shape) || !shape.every((size): size is number => typeof size === 'number')) {
    throw new LiteralError("'shape' must be a tuple of sizes", 0);
  }
  return { descr: typeof descr === 'string' ? descr : 'a structured type', fortranOrder, shape };
}
