/**
 * The two versions of an Event: core v1, and events.k8s.io/v1 in which the same fields have other
 * names. Both are kept under the same keys, in whichever version they were written.
 */
import type { Event } from "../../../api/core/v1.ts";
import type { Event as NewEvent } from "../../../api/events/v1.ts";
import type { KubeObject } from "../../../api/resource.ts";

export const newEventVersion = "events.k8s.io/v1";

type Fields = Readonly<Record<string, unknown>>;

/** [core v1, events.k8s.io/v1] */
const names: readonly (readonly [core: string, renamed: string])[] = [
  ["involvedObject", "regarding"],
  ["message", "note"],
  ["source", "deprecatedSource"],
  ["firstTimestamp", "deprecatedFirstTimestamp"],
  ["lastTimestamp", "deprecatedLastTimestamp"],
  ["count", "deprecatedCount"],
  ["reportingComponent", "reportingController"],
];

const toNewName: ReadonlyMap<string, string> = new Map(names);
const toCoreName: ReadonlyMap<string, string> = new Map(
  names.map(([core, other]) => [other, core]),
);

function renamed(object: KubeObject, to: ReadonlyMap<string, string>, apiVersion: string): Fields {
  const fields: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(object)) fields[to.get(name) ?? name] = value;
  return { ...fields, apiVersion };
}

const noObject = {};

/** An Event of either version as core v1; the same object when it is one already. */
export function asCoreEvent(object: KubeObject): Event {
  if (object.apiVersion !== newEventVersion) return object as Event;
  return { involvedObject: noObject, ...renamed(object, toCoreName, "v1") };
}

/** An Event of either version as events.k8s.io/v1; the same object when it is one already. */
export function asNewEvent(object: KubeObject): NewEvent {
  if (object.apiVersion === newEventVersion) return object as NewEvent;
  return renamed(object, toNewName, newEventVersion) as unknown as NewEvent;
}
