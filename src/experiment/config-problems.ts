// Turns what the schema finds into sentences: which key, what it must be, what it is instead, what to write.
// Unknown keys are found here, by walking the schema itself, because one pass should report every one of them and a key
// that stands in the wrong section deserves to be told where it belongs.

import { closest, distance } from 'fastest-levenshtein';
import type * as v from 'valibot';
import { InputError } from '../data/input-error';
import { configSchema } from './config-schema';

/** One thing wrong with a configuration. */
export interface Problem {
  readonly key: string;
  readonly message: string;
  readonly remedy: string;
}

/** Where a configuration came from: its file, and the dotted keys that --set placed over it. */
export interface ConfigSource {
  readonly file?: string;
  readonly sets?: readonly string[];
}

/** The part of a valibot schema that the walk reads. */
interface Node {
  readonly type: string;
  readonly entries?: Readonly<Record<string, Node>>;
  readonly options?: readonly Node[];
  readonly wrapped?: Node;
  readonly getter?: (input: unknown) => Node;
  readonly literal?: unknown;
}

const SHOWN_PROBLEMS = 5;
const SHOWN_LENGTH = 60;

export const isPlainObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const join = (parent: string, key: string) => (parent === '' ? key : `${parent}.${key}`);

/** A value as it would be written in the file, cut when it is long. */
export function show(value: unknown): string {
  const text = typeof value === 'number' ? String(value) : (JSON.stringify(value) ?? String(value));
  return text.length > SHOWN_LENGTH ? `${text.slice(0, SHOWN_LENGTH)}...` : text;
}

/** The nearest of the candidates when it is near enough to be what was meant. */
export function meant(word: string, candidates: readonly string[]): string | undefined {
  if (candidates.length === 0) return undefined;
  const folded = word.toLowerCase();
  const best = closest(folded, candidates as string[]);
  // One letter off is another word when the word has one letter.
  const allowed = folded.length < 3 ? folded.length - 1 : Math.max(2, Math.floor(folded.length / 3));
  const sameLetters = candidates.find((candidate) => candidate.toLowerCase() === folded);
  return sameLetters ?? (distance(folded, best.toLowerCase()) <= allowed ? best : undefined);
}

const dataOption = (node: Node, value: unknown): Node | undefined =>
  node.options?.find((option) => isPlainObject(value) && option.entries?.kind?.literal === value.kind);

const unwrap = (node: Node): Node => (node.wrapped ? unwrap(node.wrapped) : node);

/** Follows optional, lazy and variant wrappers to the object schema that this value has to fit. */
function objectNode(node: Node, value: unknown): Node | undefined {
  if (node.wrapped) return objectNode(node.wrapped, value);
  if (node.getter) return objectNode(node.getter(value), value);
  if (node.type === 'variant') return dataOption(node, value);
  return node.entries ? node : undefined;
}

/** Every dotted key whose last part is `name`, over all sections and data kinds. */
export function placesOf(name: string, node: Node = configSchema as unknown as Node, prefix = ''): string[] {
  if (node.wrapped) return placesOf(name, node.wrapped, prefix);
  if (node.getter) return placesOf(name, node.getter({}), prefix);
  if (node.type === 'variant') return [...new Set((node.options ?? []).flatMap((o) => placesOf(name, o, prefix)))];
  return Object.entries(node.entries ?? {}).flatMap(([key, child]) => [
    ...(key === name ? [join(prefix, key)] : []),
    ...placesOf(name, child, join(prefix, key)),
  ]);
}

/** The data kinds that have this key. */
const kindsWith = (key: string): string[] =>
  (unwrap((configSchema as unknown as Node).entries?.data as Node).options ?? [])
    .filter((option) => Object.hasOwn(option.entries ?? {}, key))
    .map((option) => String(option.entries?.kind?.literal));

function unknownKey(key: string, parent: string, node: Node, owner: Readonly<Record<string, unknown>>): Problem {
  const known = Object.keys(node.entries ?? {});
  const dotted = join(parent, key);
  const place = parent === '' ? 'the configuration' : parent === 'data' ? `data kind ${show(owner.kind)}` : parent;
  const message = `${show(dotted).slice(1, -1)} is not a key of ${place}`;
  const kinds = parent === 'data' ? kindsWith(key) : [];
  if (kinds.length > 0) {
    const list = kinds.map((kind) => show(kind)).join(', ');
    const own = known.filter((name) => name !== 'kind').join(', ');
    return {
      key: dotted,
      message: `${message}, whose keys are ${own}; it belongs to ${list}`,
      remedy: `Remove ${dotted}, or set data.kind to ${list}.`,
    };
  }
  const near = meant(key, known);
  if (near) {
    const better = join(parent, near);
    return { key: dotted, message: `${message}; did you mean ${better}?`, remedy: `Write ${better}.` };
  }
  const elsewhere = placesOf(key).filter((candidate) => candidate !== dotted);
  if (elsewhere.length > 0) {
    const where = elsewhere.join(' or ');
    return { key: dotted, message: `${message}; did you mean ${where}?`, remedy: `Write ${where}.` };
  }
  const nearest = closest(key, known);
  return {
    key: dotted,
    message: `${message}; the nearest is ${join(parent, nearest)}, all are ${known.join(', ')}`,
    remedy: `Remove ${dotted}, or use one of ${known.join(', ')}.`,
  };
}

/** Unknown keys and lists that stand where an object has to, at every depth. */
export function findUnknown(value: unknown, node: Node = configSchema as unknown as Node, parent = ''): Problem[] {
  const target = objectNode(node, value);
  if (Array.isArray(value) && (target || unwrap(node).type === 'variant')) {
    const key = parent === '' ? 'the configuration' : parent;
    return [
      {
        key: parent,
        message: `${key} must be an object, not ${show(value)}`,
        remedy: `Write ${key} as { "key": value }.`,
      },
    ];
  }
  if (!target?.entries || !isPlainObject(value)) return [];
  const { entries } = target;
  return Object.keys(value).flatMap((key) =>
    Object.hasOwn(entries, key)
      ? findUnknown(value[key], entries[key], join(parent, key))
      : [unknownKey(key, parent, target, value)],
  );
}

/** A valibot issue as a problem; its message is the phrase that says what the value has to be. */
export function fromIssue(issue: v.BaseIssue<unknown>): Problem {
  const key = (issue.path ?? []).map((item) => String(item.key)).join('.');
  const subject = key === '' ? 'the configuration' : key;
  if (issue.kind === 'schema' && issue.type === 'variant') return unknownKind(issue, subject);
  if (issue.message.startsWith('given ')) {
    return { key, message: `${subject} is missing: it has to be ${issue.message}`, remedy: `Add ${subject}.` };
  }
  if (issue.input === undefined) {
    const phrase = phraseFor(issue) ?? issue.message;
    return { key, message: `${subject} is missing`, remedy: `Set ${subject} to ${phrase}.` };
  }
  if (issue.message.startsWith('left out')) {
    return { key, message: `${subject} must be ${issue.message}`, remedy: `Remove ${subject}.` };
  }
  const near = typeof issue.input === 'string' ? meant(issue.input, quoted(issue.expected)) : undefined;
  const hint = near === undefined ? '' : ` (did you mean ${show(near)}?)`;
  return {
    key,
    message: `${subject} must be ${issue.message}, not ${show(issue.input)}${hint}`,
    remedy: near === undefined ? `Set ${subject} to ${issue.message}.` : `Set ${subject} to ${show(near)}.`,
  };
}

/** The options that valibot lists in an issue, as `("l2" | "linf")`. */
const quoted = (expected: string | null) => [...(expected ?? '').matchAll(/"([^"]*)"/g)].map((match) => match[1] ?? '');

function unknownKind(issue: v.BaseIssue<unknown>, subject: string): Problem {
  const kinds = quoted(issue.expected);
  if (kinds.length === 0) {
    return {
      key: subject,
      message: `${subject} must be an object, not ${show(issue.input)}`,
      remedy: `Write ${subject} as { "kind": ... }.`,
    };
  }
  // The path of a variant issue ends at the discriminator already.
  const near = typeof issue.input === 'string' ? meant(issue.input, kinds) : undefined;
  const list = kinds.map((kind) => show(kind)).join(', ');
  const hint = near === undefined ? '' : ` (did you mean ${show(near)}?)`;
  return {
    key: subject,
    message: `${subject} must be one of ${list}, not ${show(issue.input)}${hint}`,
    remedy: `Set ${subject} to ${near === undefined ? 'one of them' : show(near)}.`,
  };
}

/** What a missing key would have had to hold: the message of its own schema. */
function phraseFor(issue: v.BaseIssue<unknown>): string | undefined {
  let node: Node | undefined = configSchema as unknown as Node;
  for (const item of issue.path ?? []) {
    const target: Node | undefined = node && objectNode(node, (item as { input?: unknown }).input);
    node = target?.entries?.[String(item.key)];
  }
  const message = (node as { message?: unknown } | undefined)?.message;
  return issue.kind === 'schema' && typeof message === 'string' ? message : undefined;
}

/** Throws one error for all problems with the `subject`, the first five in full; does nothing when there are none. */
export function throwProblems(problems: readonly Problem[], source: ConfigSource, subject = 'configuration'): void {
  const first = problems[0];
  if (!first) return;
  const fromSet = source.sets?.some((set) => first.key === set || first.key.startsWith(`${set}.`)) ?? false;
  const file = fromSet ? '--set' : source.file;
  const where = { ...(file === undefined ? {} : { file }), ...(first.key === '' ? {} : { key: first.key }) };
  if (problems.length === 1) throw new InputError(first.message, { ...where, remedy: first.remedy });
  const shown = problems.slice(0, SHOWN_PROBLEMS).map((problem) => `- ${problem.message}`);
  const more = problems.length - shown.length;
  if (more > 0) shown.push(`- and ${more} more`);
  throw new InputError([`the ${subject} has ${problems.length} problems:`, ...shown].join('\n'), {
    ...where,
    remedy: `Correct each of them; the first: ${first.remedy}`,
  });
}
