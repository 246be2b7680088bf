/** KEY=VALUE:EFFECT, KEY:EFFECT, KEY:EFFECT-, KEY-: what taint changes of a node. Pure. */
import type { Taint } from "../../api/core/v1.ts";
import { UsageError } from "../base/flags.ts";

export interface TaintChanges {
  readonly add: readonly Taint[];
  /** Without an effect: whatever it is. */
  readonly remove: readonly { readonly key: string; readonly effect?: string }[];
}

const effects = ["NoSchedule", "PreferNoSchedule", "NoExecute"];
const format =
  "a taint key=value:effect, key:effect, or with a trailing minus key:effect- or key- to remove it";

function effectOf(text: string, word: string): string {
  if (effects.includes(text)) return text;
  throw new UsageError(
    `invalid taint effect: ${text} in ${word}, unsupported taint effect: say ${effects.join(", ")}`,
  );
}

function parseRemoval(word: string): { readonly key: string; readonly effect?: string } {
  const [pair = "", effect, ...more] = word.slice(0, -1).split(":");
  if (pair === "" || more.length > 0)
    throw new UsageError(`invalid taint spec: ${word}: say ${format}`);
  const [key = ""] = pair.split("=");
  return effect === undefined ? { key } : { key, effect: effectOf(effect, word) };
}

function parseAddition(word: string): Taint {
  const [pair = "", effect, ...more] = word.split(":");
  const [key = "", value, ...others] = pair.split("=");
  if (key === "" || effect === undefined || more.length > 0 || others.length > 0)
    throw new UsageError(`invalid taint spec: ${word}: say ${format}`);
  return {
    key,
    ...(value === undefined || value === "" ? {} : { value }),
    effect: effectOf(effect, word),
  };
}

const idOf = ({ key, effect }: { readonly key: string; readonly effect: string }): string =>
  `${key}:${effect}`;

/** Throws UsageError for what is no taint, or is named twice. */
export function parseTaints(words: readonly string[]): TaintChanges {
  const add = words.filter((word) => !word.endsWith("-")).map(parseAddition);
  const remove = words.filter((word) => word.endsWith("-")).map(parseRemoval);
  const ids = add.map(idOf);
  const twice = ids.find((id, at) => ids.indexOf(id) !== at);
  if (twice !== undefined)
    throw new UsageError(`duplicated taints with the same key and effect: ${twice}`);
  const both = add.find((taint) =>
    remove.some(
      ({ key, effect }) => key === taint.key && (effect ?? taint.effect) === taint.effect,
    ),
  );
  if (both !== undefined) {
    throw new UsageError(
      `can not both modify and remove the following taint(s) in the same command: ${idOf(both)}`,
    );
  }
  return { add, remove };
}

export interface TaintOutcome {
  readonly taints: readonly Taint[];
  readonly done: "tainted" | "untainted" | "modified";
}

/** What the node's taints become. Throws UsageError for one that is there or not there. */
export function planTaints(
  current: readonly Taint[],
  { add, remove }: TaintChanges,
  overwrite: boolean,
  node: string,
): TaintOutcome {
  const wanted = new Set(add.map(idOf));
  const taken = current.filter((taint) => wanted.has(idOf(taint)));
  if (taken.length > 0 && !overwrite) {
    const ids = taken.map(idOf).join(", ");
    throw new UsageError(
      `node ${node} already has ${ids} taint(s) with same effect(s) and --overwrite is false`,
    );
  }
  const matches = (taint: Taint): boolean =>
    remove.some(
      ({ key, effect }) => key === taint.key && (effect ?? taint.effect) === taint.effect,
    );
  const absent = remove.filter(
    ({ key, effect }) =>
      !current.some((taint) => taint.key === key && (effect ?? taint.effect) === taint.effect),
  );
  const [first] = absent;
  if (first !== undefined) {
    const name = first.effect === undefined ? first.key : `${first.key}:${first.effect}`;
    throw new UsageError(`taint "${name}" not found`);
  }
  const kept = current.filter((taint) => !wanted.has(idOf(taint)) && !matches(taint));
  const done =
    taken.length > 0 || (add.length > 0 && remove.length > 0)
      ? "modified"
      : add.length > 0
        ? "tainted"
        : "untainted";
  return { taints: [...add, ...kept], done };
}
