// Files that are nearly right: a valid one, and a few edits that shrink one by one.

import fc from 'fast-check';

type Edit = (bytes: Uint8Array) => Uint8Array;

/** Numbers that break size fields, as bytes of either order. */
const LIES = [0, 1, 0x7f, 0x80, 0xff, 0xffff, 0x10000, 0x7fffffff, 0x80000000, 0xfffffffe, 0xffffffff];

const splice = (bytes: Uint8Array, at: number, remove: number, insert: Uint8Array): Uint8Array => {
  const out = new Uint8Array(bytes.length - remove + insert.length);
  out.set(bytes.subarray(0, at));
  out.set(insert, at);
  out.set(bytes.subarray(at + remove), at + insert.length);
  return out;
};

/** A place in a file of any length; half of them in the first bytes, where headers are. */
const place = fc.oneof(fc.nat(1), fc.nat(64), fc.nat(0xffff));
const at = (bytes: Uint8Array, where: number) => (bytes.length === 0 ? 0 : where % bytes.length);

const edit: fc.Arbitrary<Edit> = fc.oneof(
  fc.tuple(place, fc.nat(7)).map(
    ([where, bit]): Edit =>
      (bytes) => {
        const out = bytes.slice();
        if (out.length > 0) out[at(out, where)]! ^= 1 << bit;
        return out;
      },
  ),
  fc.tuple(place, fc.nat(255)).map(
    ([where, value]): Edit =>
      (bytes) => {
        const out = bytes.slice();
        if (out.length > 0) out[at(out, where)] = value;
        return out;
      },
  ),
  fc.tuple(place, fc.constantFrom(...LIES), fc.constantFrom(1, 2, 4), fc.boolean()).map(
    ([where, lie, width, little]): Edit =>
      (bytes) => {
        const out = bytes.slice();
        const first = at(out, where);
        for (let k = 0; k < width && first + k < out.length; k++) {
          out[first + k] = lie >>> (8 * (little ? k : width - 1 - k));
        }
        return out;
      },
  ),
  place.map(
    (where): Edit =>
      (bytes) =>
        bytes.slice(0, at(bytes, where)),
  ),
  fc.tuple(place, fc.uint8Array({ maxLength: 24 })).map(
    ([where, more]): Edit =>
      (bytes) =>
        splice(bytes, at(bytes, where), 0, more),
  ),
  fc.tuple(place, fc.nat(24)).map(
    ([where, less]): Edit =>
      (bytes) => {
        const first = at(bytes, where);
        return splice(bytes, first, Math.min(less, bytes.length - first), new Uint8Array());
      },
  ),
  // A piece of the file in another place of it.
  fc.tuple(place, place, fc.nat(40)).map(
    ([from, to, length]): Edit =>
      (bytes) => {
        const first = at(bytes, from);
        return splice(bytes, at(bytes, to), 0, bytes.slice(first, first + length));
      },
  ),
);

/** Files made from valid ones by up to six edits, and now and then from nothing at all. */
export function nearly(valid: readonly Uint8Array[]): fc.Arbitrary<Uint8Array> {
  const edited = fc
    .tuple(fc.constantFrom(...valid), fc.array(edit, { maxLength: 6 }))
    .map(([bytes, edits]) => edits.reduce((done, each) => each(done), bytes));
  return fc.oneof({ arbitrary: edited, weight: 9 }, { arbitrary: fc.uint8Array({ maxLength: 200 }), weight: 1 });
}

const utf8 = new TextEncoder();
const decoder = new TextDecoder('utf-8', { ignoreBOM: true });

/** The same for texts, JSON that is something else among them. */
export const nearlyText = (valid: readonly string[]): fc.Arbitrary<string> =>
  nearly([...valid, 'null', '[]', '{}', '"text"', '1e999'].map((text) => utf8.encode(text))).map((bytes) =>
    decoder.decode(bytes),
  );
