/**
 * From parsed JSON to an object of a kind, in one pass: types are checked, fields that the kind
 * does not have are pruned and named, and values take the form that Go's decoding gives them, so
 * that an object is stored as upstream would store it (no nulls, no empty lists, canonical
 * quantities).
 */
import { compileChecker, type Checker, type Checkers } from "./decode-checks.ts";
import type { Walk } from "./decode-walk.ts";
import { messageOf, type Schema } from "./schema.ts";

export interface Decoded<T> {
  readonly object: T;
  /** Paths of fields that the kind does not have: "spec.foo", "spec.containers[0].foo". */
  readonly unknownFields: readonly string[];
}

export class Decoder implements Checkers {
  readonly schema: Schema;
  readonly #checkers = new Map<string, Checker>();
  constructor(schema: Schema) {
    this.schema = schema;
  }

  checker(key: string): Checker {
    const known = this.#checkers.get(key);
    if (known !== undefined) return known;
    const checker = compileChecker(this, messageOf(this.schema, key));
    this.#checkers.set(key, checker);
    return checker;
  }

  /** Takes `value` over: its parts may be changed or be part of the result. Throws DecodeError. */
  decode<T>(key: string, value: unknown): Decoded<T> {
    const walk: Walk = { path: [], unknownFields: [] };
    const object = this.checker(key)(value, walk) as T;
    return { object, unknownFields: walk.unknownFields };
  }
}

/** Upstream's text of everything that a strict decoding refuses, or undefined. */
export function strictDecodingError(
  unknownFields: readonly string[],
  duplicateFields: readonly string[] = [],
): string | undefined {
  const all = [
    ...duplicateFields.map((path) => `duplicate field ${JSON.stringify(path)}`),
    ...unknownFields.map((path) => `unknown field ${JSON.stringify(path)}`),
  ];
  return all.length === 0 ? undefined : `strict decoding error: ${all.join(", ")}`;
}
