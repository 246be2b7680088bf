/**
 * Server-side apply: who set a field owns it; to change another's field is a conflict unless
 * forced; what an applier applies no more goes, unless somebody else owns it. Pure: the time is
 * given.
 */
import { isFields, type Fields } from "../fields.ts";
import type { KubeObject } from "../../../api/resource.ts";
import { Decoder } from "../decode.ts";
import { messageOf, type MessageSchema, type Schema } from "../schema.ts";
import { StatusError } from "../status-error.ts";
import {
  compareFields,
  fieldValues,
  formatFieldPath,
  isUnder,
  type Comparison,
  type FieldValues,
  type FieldSet,
} from "./field-paths.ts";
import {
  decodeManagers,
  describeManager,
  encodeManagers,
  identityOf,
  type Manager,
  type Managers,
  type Owned,
} from "./managers.ts";
import { mergeObjects, removeFields } from "./merge.ts";

export interface ManagedWrite {
  readonly schema: Schema;
  /** The kind's message: "apps.v1.Deployment". */
  readonly key: string;
  readonly manager: string;
  readonly apiVersion: string;
  readonly subresource?: string;
  /** RFC 3339 in seconds. */
  readonly now: string;
  /** Top-level fields that this endpoint never sets: ["status"] on the main resource. */
  readonly resets?: readonly string[];
}

/** Fields that belong to nobody: the object's identity and what only the server writes. */
const unowned = [
  ...["apiVersion", "kind", "metadata"].map((name) => `f:${name}`),
  ...[
    "name",
    "namespace",
    "creationTimestamp",
    "selfLink",
    "uid",
    "generation",
    "managedFields",
    "resourceVersion",
  ].map((name) => `f:metadata\nf:${name}`),
];

function ownable(set: FieldSet, resets: readonly string[] = []): FieldSet {
  const roots = resets.map((name) => `f:${name}`);
  const isOwnable = (path: string): boolean =>
    !unowned.includes(path) &&
    !path.startsWith("f:metadata\nf:managedFields\n") &&
    !roots.some((root) => path === root || isUnder(path, root));
  return new Set([...set].filter(isOwnable));
}

const valuesOf = (
  schema: Schema,
  message: MessageSchema,
  object: object | undefined,
): FieldValues => fieldValues(schema, message, (object ?? {}) as Fields);

const managersOf = (object: KubeObject | undefined): Managers =>
  decodeManagers(object?.metadata?.managedFields);

function withManagers<T extends KubeObject>(object: T, managers: Managers, now: string): T {
  const { managedFields: _, ...metadata } = object.metadata ?? {};
  const entries = encodeManagers(managers, now);
  return {
    ...object,
    metadata: entries.length === 0 ? metadata : { ...metadata, managedFields: entries },
  };
}

interface Conflict {
  readonly manager: Manager;
  readonly path: string;
}

function conflictsWith(managers: Managers, self: string, changed: FieldSet): readonly Conflict[] {
  return [...managers]
    .filter(([identity]) => identity !== self)
    .flatMap(([, { manager, fields }]) =>
      [...fields.intersection(changed)].map((path) => ({ manager, path })),
    );
}

function conflictError(conflicts: readonly Conflict[]): StatusError {
  const causes = conflicts.map(({ manager, path }) => ({
    reason: "FieldManagerConflict",
    message: `conflict with ${describeManager(manager)}`,
    field: formatFieldPath(path),
  }));
  const [first] = causes;
  if (causes.length === 1 && first !== undefined)
    return new StatusError(
      "Conflict",
      `Apply failed with 1 conflict: ${first.message}: ${first.field}`,
      { causes },
    );
  const lines = [...Map.groupBy(conflicts, ({ manager }) => describeManager(manager))]
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .flatMap(([name, all]) => [
      `conflicts with ${name}:`,
      ...all.map(({ path }) => `- ${formatFieldPath(path)}`),
    ]);
  return new StatusError(
    "Conflict",
    `Apply failed with ${causes.length} conflicts: ${lines.join("\n")}`,
    { causes },
  );
}

/** The others lose what was changed or removed under them. */
const withoutChanges = (
  managers: Managers,
  self: string,
  { changed, removed }: Comparison,
): Managers =>
  new Map(
    [...managers].map(([identity, owned]): [string, Owned] => {
      if (identity === self) return [identity, owned];
      const fields = owned.fields.difference(changed).difference(removed);
      return [identity, fields.size === owned.fields.size ? owned : { ...owned, fields }];
    }),
  );

/** What was there before anybody applied belongs to a manager of this name. */
const beforeFirstApply = "before-first-apply";

function managersBeforeApply(
  live: KubeObject | undefined,
  write: ManagedWrite,
  values: FieldSet,
): Managers {
  const managers = managersOf(live);
  if (live === undefined || managers.size > 0) return managers;
  const manager: Manager = {
    name: beforeFirstApply,
    operation: "Update",
    apiVersion: write.apiVersion,
  };
  return new Map([[identityOf(manager), { manager, fields: ownable(values) }]]);
}

const withoutFields = (object: object, names: readonly string[] = []): Fields =>
  Object.fromEntries(Object.entries(object).filter(([name]) => !names.includes(name)));

/** What the applier once applied, applies no more, and nobody else owns. */
function prune(
  { schema, key }: ManagedWrite,
  merged: Fields,
  { before, now, others }: { before: FieldSet; now: FieldSet; others: readonly Owned[] },
): Fields {
  const kept = others.reduce<FieldSet>((all, { fields }) => all.union(fields), now);
  const removed = before.difference(kept);
  if (removed.size === 0) return merged;
  return removeFields(schema, messageOf(schema, key), merged, { removed, kept });
}

/**
 * Applies `config` to `live` (absent: the object is created). The result carries managedFields and
 * has yet to be defaulted and validated. Throws StatusError "Conflict" unless `force`.
 */
export function applyObject<T extends KubeObject>(
  write: ManagedWrite & { readonly force?: boolean },
  live: T | undefined,
  config: T,
): T {
  const { schema, key, apiVersion, subresource, now } = write;
  if ((config.metadata?.managedFields ?? []).length > 0)
    throw new StatusError("BadRequest", "metadata.managedFields must be nil");
  const message = messageOf(schema, key);
  const manager: Manager = {
    name: write.manager,
    operation: "Apply",
    apiVersion,
    ...(subresource === undefined ? {} : { subresource }),
  };
  const self = identityOf(manager);
  const applied = withoutFields(config, write.resets);
  const liveValues = valuesOf(schema, message, live);
  const managers = managersBeforeApply(live, write, new Set(liveValues.values.keys()));
  const fields = ownable(new Set(valuesOf(schema, message, applied).values.keys()));
  const last = managers.get(self)?.fields ?? new Set<string>();
  const others = [...managers].flatMap(([identity, owned]) => (identity === self ? [] : [owned]));
  const merged = prune(write, mergeObjects(schema, message, (live ?? {}) as Fields, applied), {
    before: last,
    now: fields,
    others,
  });
  const comparison = compareFields(liveValues, valuesOf(schema, message, merged));
  const conflicts = conflictsWith(managers, self, ownable(comparison.changed));
  if (conflicts.length > 0 && write.force !== true) throw conflictError(conflicts);
  const owned = sameOrNew(managers.get(self), { manager, fields });
  const after = new Map([...withoutChanges(managers, self, comparison), [self, owned] as const]);
  return withManagers(merged as T, after, now);
}

/** An entry whose fields did not change keeps its time. */
const sameOrNew = (before: Owned | undefined, after: Owned): Owned =>
  before !== undefined &&
  before.manager.apiVersion === after.manager.apiVersion &&
  before.fields.symmetricDifference(after.fields).size === 0
    ? before
    : after;

const emptyObjects = new WeakMap<Schema, Map<string, FieldValues>>();

/** What Go starts from when it creates: the structs that every object of the kind has. */
function emptyValues({ schema, key }: ManagedWrite, message: MessageSchema): FieldValues {
  const known = emptyObjects.get(schema) ?? new Map<string, FieldValues>();
  emptyObjects.set(schema, known);
  const values =
    known.get(key) ?? valuesOf(schema, message, new Decoder(schema).decode<Fields>(key, {}).object);
  known.set(key, values);
  return values;
}

/**
 * Records a write that is no apply (create, update, patch): the writer owns what it set or changed,
 * and the others lose it. An object whose managedFields the client emptied starts anew.
 */
export function recordUpdate<T extends KubeObject>(
  write: ManagedWrite,
  before: T | undefined,
  after: T,
): T {
  const { schema, key, apiVersion, subresource, now } = write;
  const message = messageOf(schema, key);
  const manager: Manager = {
    name: write.manager,
    operation: "Update",
    apiVersion,
    ...(subresource === undefined ? {} : { subresource }),
  };
  const self = identityOf(manager);
  const comparison = compareFields(
    before === undefined ? emptyValues(write, message) : valuesOf(schema, message, before),
    valuesOf(schema, message, after),
  );
  const wasReset = isReset(before, after);
  const managers = wasReset ? new Map<string, Owned>() : managersOf(before);
  const changed = ownable(comparison.changed, write.resets);
  const old = managers.get(self);
  const fields = (old?.fields ?? new Set<string>()).difference(comparison.removed).union(changed);
  const owned = sameOrNew(changed.size === 0 ? old : undefined, { manager, fields });
  const others = withoutChanges(managers, self, comparison);
  return withManagers(after, new Map([...others, [self, owned] as const]), now);
}

/** `managedFields: [{}]` in an update asks to forget all owners. */
function isReset(before: KubeObject | undefined, after: KubeObject): boolean {
  const entries = after.metadata?.managedFields;
  const [only] = entries ?? [];
  const isOneEmpty = entries?.length === 1 && isFields(only) && Object.keys(only).length === 0;
  return before !== undefined && (isOneEmpty || entries?.length === 0);
}
