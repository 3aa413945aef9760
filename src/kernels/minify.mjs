// WGSL as the bundles carry it: without comments, blank lines and the spaces that separate nothing. What the host reads
// out of the text at run time (src/gpu/specialise.ts) stays: marked lines and overrides as they are, one statement a line, and
// depth by indentation.

const MARK = /\/\/ @(specialised|unroll|half \w+|image .+)/;

/** @param {string} code @returns {string} */
export function minifyWgsl(code) {
  let kept = false;
  return code
    .split('\n')
    .map((line) => {
      const before = kept;
      kept = line.trim() === '// @unroll';
      const depth = ' '.repeat(/^ */.exec(line)[0].length / 2);
      const mark = MARK.exec(line);
      if (mark) return depth + line.slice(0, mark.index + mark[0].length).trim();
      // WGSL has no strings, so two slashes always begin a comment.
      const text = line.replace(/\/\/.*/, '').trim();
      if (before || text === '' || text.startsWith('override ')) return text && depth + text;
      // Around - & * / < > a space may be what tells two tokens from one: those stay.
      return depth + text.replace(/ ?([,;:{}()=+]+) ?/g, '$1');
    })
    .filter((line) => line !== '')
    .join('\n');
}
