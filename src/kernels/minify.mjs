// WGSL as the bundles carry it: without comments and blank lines, indented by one space. What the host reads out of the
// text at run time (src/gpu/specialise.ts) stays: the marks, one statement a line, and depth by indentation.

/** @param {string} code @returns {string} */
export function minifyWgsl(code) {
  return code
    .split('\n')
    .map((line) => {
      // WGSL has no strings, so two slashes always begin a comment.
      const text = /\/\/ @(specialised|unroll)/.test(line)
        ? line.replace(/(\/\/ @\w+).*/, '$1')
        : line.replace(/\s*\/\/.*/, '');
      const depth = /^ */.exec(text)[0].length / 2;
      return ' '.repeat(depth) + text.trim();
    })
    .filter((line) => line.trim() !== '')
    .join('\n');
}
