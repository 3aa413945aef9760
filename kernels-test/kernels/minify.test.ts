// Shaders as the bundles carry them are the shaders of the source.

import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { specialise, specialisedConstants } from '../../src/gpu/specialise';
// @ts-expect-error: plain JavaScript, run by the build
import { minifyWgsl as minify } from '../../src/kernels/minify.mjs';
import { describeShader } from '../contract';

const minifyWgsl = minify as (code: string) => string;

const SHADERS = fileURLToPath(new URL('../../shaders', import.meta.url));
const names = readdirSync(SHADERS)
  .filter((file) => file.endsWith('.wgsl'))
  .map((file) => file.replace(/\.wgsl$/, ''));

/** The tokens of a shader: what is left of it when only spaces and comments go. */
const tokens = (code: string) =>
  code
    .replace(/\/\/.*/g, '')
    .match(
      /[A-Za-z_]\w*|(?:\d[\w.]*|\.\d\w*)(?<=[eE])[+-]\d+\w*|\d[\w.]*|\.\d\w*|->|&&|\|\||[-+*/%&|^<>=!]=|\+\+|--|<<|>>|\S/g,
    );

describe('minified shaders', () => {
  test.for(names)('%s', (name) => {
    const code = readFileSync(`${SHADERS}/${name}.wgsl`, 'utf8');
    const small = minifyWgsl(code);
    expect(small.length).toBeLessThan(0.8 * code.length);
    expect(describeShader(name, small)).toEqual(describeShader(name, code));
    expect(specialisedConstants(small)).toEqual(specialisedConstants(code));
    // As it stands, and with other constants and its loops written out.
    expect(tokens(small)).toEqual(tokens(code));
    const other = Object.fromEntries(
      Object.entries(specialisedConstants(code)).map(([key, value]) => [key, value + 1]),
    );
    expect(tokens(specialise(small, other))).toEqual(tokens(specialise(code, other)));
    expect(small).not.toMatch(/\/\/(?! @(specialised|unroll|half \w+|image .+)$)/m);
  });

  test('a space that tells two tokens from one stays', () => {
    expect(minifyWgsl('let a = b - -c; // note\n\n  let d = e / *p + 1;')).toBe('let a=b - -c;\n let d=e / *p+1;');
  });
});
