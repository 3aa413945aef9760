// A command as text, to be pasted into a shell.

const PLAIN = /^[\w./:=,@%+-]+$/;

/** Words with quotes around those that a shell would take apart. */
export const commandLine = (words: readonly string[]): string =>
  words.map((word) => (PLAIN.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`)).join(' ');

/** Options that were given, each with its value; what is on unless --no-NAME is given, as false. */
export const optionWords = (options: Readonly<Record<string, string | boolean | undefined>>): string[] =>
  Object.entries(options).flatMap(([name, value]) => {
    if (value === false) return [`--no-${name}`];
    return typeof value === 'string' ? [`--${name}`, value] : [];
  });
