// Text specialisation, kept to what WGSL overrides cannot do: sizes of register arrays, unrolled loops, element types.
//
// Tint does not unroll, and a register array indexed by a loop variable lives in memory on every adapter; a subgroup
// broadcast needs a literal lane. So a shader marks its constants with `// @specialised` and its loops with
// `// @unroll`, stays valid WGSL as it stands, and is rewritten here from numbers only, never from user text. Aliases with
// `// @half TYPE` become that type when the constant HALF is 1, and lines with `// @image TEXT` that text when IMAGE is 1.

const CONSTANT = /^const (\w+) = (\d+)u; \/\/ @specialised.*$/gm;

const HALF_ALIAS = /^alias (\w+) = (\w+); \/\/ @half (\w+)$/gm;

const IMAGE_LINE = /^( *)\S.* \/\/ @image (.+)$/gm;

/** The specialised constants of a shader and the values they have in the file. */
export function specialisedConstants(code: string): Record<string, number> {
  const found: Record<string, number> = {};
  for (const match of code.matchAll(CONSTANT)) found[match[1]!] = Number(match[2]);
  return found;
}

/** The shader with its constants set to `values` and its marked loops written out. */
export function specialise(code: string, values: Readonly<Record<string, number>>): string {
  const constants = specialisedConstants(code);
  for (const [name, value] of Object.entries(values)) {
    if (!(name in constants)) throw new Error(`the shader has no specialised constant ${name}`);
    if (!Number.isInteger(value) || value < 0) throw new RangeError(`constant ${name} = ${value}`);
    constants[name] = value;
  }
  const set = code.replace(CONSTANT, (_line, name: string) => `const ${name} = ${constants[name]}u;`);
  const half = constants.HALF === 1;
  const typed = set.replace(HALF_ALIAS, (_line, name, full, halved) => `alias ${name} = ${half ? halved : full};`);
  const bound = constants.IMAGE === 1 ? typed.replace(IMAGE_LINE, '$1$2') : typed;
  // On the first line, which is a comment, so that line numbers stay.
  return `${half ? 'enable f16; ' : ''}${unroll(bound.split('\n'), constants).join('\n')}`;
}

const LOOP = /^(\s*)for \(var (\w+) = 0u; \2 < (\w+(?: \* \w+)*); \2\+\+\) \{$/;

function unroll(lines: readonly string[], constants: Readonly<Record<string, number>>): string[] {
  const out: string[] = [];
  for (let at = 0; at < lines.length; at++) {
    const line = lines[at]!;
    if (line.trim() !== '// @unroll') {
      out.push(line);
      continue;
    }
    const head = LOOP.exec(lines[at + 1] ?? '');
    if (!head) throw new Error(`line ${at + 2}: @unroll must be followed by "for (var i = 0u; i < COUNT; i++) {"`);
    const [, indent, variable, limit] = head as unknown as [string, string, string, string];
    const count = limit.split(' * ').reduce((product, factor) => {
      const value = /^\d+u$/.test(factor) ? Number.parseInt(factor, 10) : constants[factor];
      if (value === undefined) throw new Error(`line ${at + 2}: ${factor} is not a specialised constant`);
      return product * value;
    }, 1);
    // The formatter's rule: the loop ends at the first closing brace that stands at the loop's own indentation.
    const end = lines.indexOf(`${indent}}`, at + 2);
    if (end < 0) throw new Error(`line ${at + 2}: the loop has no end`);
    const body = unroll(lines.slice(at + 2, end), constants);
    const name = new RegExp(`\\b${variable}\\b`, 'g');
    for (let i = 0; i < count; i++) {
      out.push(
        `${indent}{`,
        ...body.map((text) => text.replace(name, `${i}u`).replaceAll('subgroupShuffle(', 'subgroupBroadcast(')),
        `${indent}}`,
      );
    }
    at = end;
  }
  return out;
}
