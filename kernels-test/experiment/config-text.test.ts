// Where a configuration's JSON is wrong: line and column, against JSON.parse as the judge of what is right.

import { describe, expect, it } from 'vitest';
import { InputError } from '../../src/data/input-error';
import { parseConfigText } from '../../src/experiment/config-text';

function faultOf(text: string): InputError {
  try {
    parseConfigText(text, 'my.json');
  } catch (error) {
    expect(error).toBeInstanceOf(InputError);
    return error as InputError;
  }
  throw new Error(`accepted: ${text}`);
}

describe('parseConfigText', () => {
  it.each([
    '{}',
    ' [1, -2.5e+3, 0, 0.5E-2, true, false, null, "a\\n\\u00e9\\"", []] ',
    '{"a": {"b": [{"c": ""}]}, "": 1}\r\n',
    '"\u007f é 😀"',
    '3',
  ])('reads %s as JSON.parse does', (text) => {
    expect(parseConfigText(text, 'my.json')).toEqual(JSON.parse(text));
  });

  it('passes over a byte order mark', () => {
    expect(parseConfigText('\uFEFF{"seed": 1}', 'my.json')).toEqual({ seed: 1 });
  });

  it.each([
    ['', 1, 1],
    ['{', 1, 2],
    ['{"a": 1,}', 1, 9],
    ['{\n  "a": 1\n  "b": 2\n}', 3, 3],
    ['{\r\n  "a": tru\r\n}', 2, 8],
    ["{'a': 1}", 1, 2],
    ['{"a" 1}', 1, 6],
    ['{"a": 01}', 1, 8],
    ['{"a": +1}', 1, 7],
    ['{"a": .5}', 1, 7],
    ['{"a": "x\ty"}', 1, 7],
    ['{"a": "\\x"}', 1, 7],
    ['[1 2]', 1, 4],
    ['{} {}', 1, 4],
    ['{"a": NaN}', 1, 7],
    ['// no\n{}', 1, 1],
  ])('%j is wrong at line %i, column %i', (text, line, column) => {
    expect(() => JSON.parse(text)).toThrow();
    const error = faultOf(text);
    expect(error.message).toContain(`line ${line}, column ${column}:`);
    expect(error.file).toBe(`my.json:${line}:${column}`);
  });

  it('refuses a key that is there twice, at its second place', () => {
    expect(faultOf('{"seed": 1,\n "seed": 2}').message).toContain('line 2, column 2: the key "seed" is there twice');
    expect(parseConfigText('[{"a": 1}, {"a": 2}]', 'my.json')).toHaveLength(2);
  });

  it('does not run out of stack', () => {
    expect(faultOf('['.repeat(100_000)).message).toContain('nested more than');
  });
});
