/** Who owns which fields: metadata.managedFields as values, and back. */
import type { ManagedFieldsEntry } from "../../../api/meta/v1.ts";
import { decodeFieldsV1, encodeFieldsV1, type FieldSet } from "./field-paths.ts";

export interface Manager {
  readonly name: string;
  readonly operation: "Apply" | "Update";
  readonly apiVersion: string;
  readonly subresource?: string;
}
export interface Owned {
  readonly manager: Manager;
  readonly fields: FieldSet;
  /** RFC 3339; absent: set when the entry is written. */
  readonly time?: string;
}
/** By identity: an applier is one manager whatever version it applies in. */
export type Managers = ReadonlyMap<string, Owned>;

export const identityOf = ({ name, operation, apiVersion, subresource = "" }: Manager): string =>
  JSON.stringify([name, operation, operation === "Apply" ? "" : apiVersion, subresource]);

export function decodeManagers(entries: readonly ManagedFieldsEntry[] | undefined): Managers {
  const managers = new Map<string, Owned>();
  for (const entry of entries ?? []) {
    const manager: Manager = {
      name: entry.manager ?? "",
      operation: entry.operation === "Apply" ? "Apply" : "Update",
      apiVersion: entry.apiVersion ?? "",
      ...(entry.subresource ? { subresource: entry.subresource } : {}),
    };
    const { time } = entry;
    const fields = decodeFieldsV1(entry.fieldsV1);
    managers.set(identityOf(manager), { manager, fields, ...(time === undefined ? {} : { time }) });
  }
  return managers;
}

const compareText = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

/** Upstream's order: appliers first, then by time, name, version and subresource. */
const order = (a: ManagedFieldsEntry, b: ManagedFieldsEntry): number =>
  compareText(a.operation ?? "", b.operation ?? "") ||
  compareText(a.time ?? "", b.time ?? "") ||
  compareText(a.manager ?? "", b.manager ?? "") ||
  compareText(a.apiVersion ?? "", b.apiVersion ?? "") ||
  compareText(a.subresource ?? "", b.subresource ?? "");

/** Managers that own nothing are left out. `now` is RFC 3339, for entries without a time. */
export const encodeManagers = (managers: Managers, now: string): readonly ManagedFieldsEntry[] =>
  [...managers.values()]
    .filter(({ fields }) => fields.size > 0)
    .map(({ manager, fields, time }) => ({
      manager: manager.name,
      operation: manager.operation,
      apiVersion: manager.apiVersion,
      time: time ?? now,
      fieldsType: "FieldsV1",
      fieldsV1: encodeFieldsV1(fields),
      ...(manager.subresource === undefined ? {} : { subresource: manager.subresource }),
    }))
    .toSorted(order);

/** `"kubectl" with subresource "scale" using apps/v1`, as conflicts name a manager. */
export function describeManager({ name, operation, apiVersion, subresource }: Manager): string {
  const through =
    subresource === undefined ? "" : ` with subresource ${JSON.stringify(subresource)}`;
  const using = operation === "Update" ? ` using ${apiVersion}` : "";
  return `${JSON.stringify(name)}${through}${using}`;
}
