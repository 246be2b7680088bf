/** label and annotate: the same command on two fields. */
import type { KubeObject } from "../../../api/resource.ts";
import { UsageError } from "../../base/flags.ts";
import { defineCommand, type Command, type Kubectl } from "../command.ts";
import { eachOf } from "../failures.ts";
import { chooseObjects, type ObjectTarget } from "../object-args.ts";
import { qualifiedKind } from "../resource-mapper.ts";
import { dryRunMark } from "../write-request.ts";

export interface Marking {
  readonly field: "labels" | "annotations";
  readonly noun: "label" | "annotation";
  /** "labeled", "unlabeled", "not labeled" */
  readonly done: { readonly set: string; readonly removed: string; readonly none: string };
}
const labels: Marking = {
  field: "labels",
  noun: "label",
  done: { set: "labeled", removed: "unlabeled", none: "not labeled" },
};
const annotations: Marking = {
  field: "annotations",
  noun: "annotation",
  done: { set: "annotated", removed: "annotated", none: "not annotated" },
};

/** Null removes. */
export type Marks = Readonly<Record<string, string | null>>;

/** Splits "deploy web a=b c-" into what names objects and what is to be marked. */
export function splitMarks(args: readonly string[]): readonly [readonly string[], Marks] {
  const isMark = (word: string): boolean => /=|.-$/.test(word);
  const first = args.findIndex(isMark);
  const at = first < 0 ? args.length : first;
  const marks = args.slice(at).map((word): readonly [string, string | null] => {
    const equals = word.indexOf("=");
    if (equals > 0) return [word.slice(0, equals), word.slice(equals + 1)];
    if (equals < 0 && word.endsWith("-")) return [word.slice(0, -1), null];
    throw new UsageError("all resources must be specified before changes: " + word);
  });
  return [args.slice(0, at), Object.fromEntries(marks)];
}

/** What the marks change; throws UsageError for a value that is there and may not be replaced. */
export function planMarks(
  current: Readonly<Record<string, string>>,
  marks: Marks,
  overwrite: boolean,
): { readonly changes: Marks; readonly absent: readonly string[] } {
  const entries = Object.entries(marks);
  for (const [key, value] of entries) {
    const now = current[key];
    if (value !== null && now !== undefined && now !== value && !overwrite)
      throw new UsageError(`'${key}' already has a value (${now}), and --overwrite is false`);
  }
  return {
    changes: Object.fromEntries(
      entries.filter(([key, value]) => (value ?? undefined) !== current[key]),
    ),
    absent: entries.flatMap(([key, value]) =>
      value === null && current[key] === undefined ? [key] : [],
    ),
  };
}

interface Request {
  readonly marks: Marks;
  readonly overwrite: boolean;
  readonly dryRun: string | undefined;
}

async function markOne(
  kubectl: Kubectl,
  target: ObjectTarget,
  { field, noun, done }: Marking,
  { marks, overwrite, dryRun }: Request,
): Promise<void> {
  const { api, terminal } = kubectl;
  const object = await api.send<KubeObject>({ method: "GET", path: target.path });
  const { changes, absent } = planMarks(object.metadata?.[field] ?? {}, marks, overwrite);
  for (const key of absent) terminal.out(`${noun} "${key}" not found.\n`);
  const values = Object.values(changes);
  if (values.length > 0 && dryRun !== "client") {
    await api.send({
      method: "PATCH",
      path: dryRun === "server" ? `${target.path}?dryRun=All` : target.path,
      contentType: "application/merge-patch+json",
      body: { metadata: { [field]: changes } },
    });
  }
  const isSet = values.some((value) => value !== null);
  const what = values.length === 0 ? done.none : isSet ? done.set : done.removed;
  const name = `${qualifiedKind(target.resource)}/${target.name}`;
  terminal.out(`${name} ${what}${dryRunMark(dryRun)}\n`);
}

const markingCommand = (marking: Marking): Command =>
  defineCommand({
    usage: `${marking.field === "labels" ? "label" : "annotate"} [--overwrite] (-f FILE | TYPE NAME) KEY=VALUE ... KEY- ...`,
    flags: {
      filename: { short: "f", kind: "list", help: "Files that name the objects" },
      recursive: { short: "R", kind: "bool", help: "Read folders of -f to the bottom" },
      selector: { short: "l", kind: "text", help: "Label selector" },
      all: { kind: "bool", help: "All objects of the type in the namespace" },
      overwrite: { kind: "bool", help: "Replace values that are there" },
      "dry-run": { kind: "text", alone: "client", help: "none, client or server" },
    } as const,
    run: async (kubectl, { flags, args }) => {
      const [words, marks] = splitMarks(args);
      if (Object.keys(marks).length === 0)
        throw new UsageError(`at least one ${marking.noun} update is required`);
      const targets = await chooseObjects(kubectl, words, { ...flags, allNamespaces: false });
      const request = { marks, overwrite: flags.overwrite, dryRun: flags["dry-run"] };
      const failures = await eachOf(targets, (target) =>
        markOne(kubectl, target, marking, request),
      );
      if (failures !== undefined) throw failures;
      return 0;
    },
  });

export const label = markingCommand(labels);
export const annotate = markingCommand(annotations);
