import type { Event } from "../../../api/core/v1.ts";
import { events as ref } from "../../../api/resources.ts";
import { invalid, required } from "../../machinery/field-error.ts";
import { qualifiedNameComplaints } from "../../machinery/names.ts";
import type { Resource } from "../resource.ts";
import { numberColumn, textColumn, wide, nameColumn } from "./columns.ts";
import { asCoreEvent } from "./event-conversion.ts";
import { since } from "../../machinery/human-duration.ts";
import { check, type Errors, none } from "./rules.ts";

const limits = { reportingInstanceChars: 128, actionChars: 128, reasonChars: 128, noteBytes: 1024 };

const firstSeen = (event: Event, now: number): string =>
  since(event.firstTimestamp ?? event.eventTime, now);

function lastSeen(event: Event, now: number): string {
  if (event.series !== undefined) return since(event.series.lastObservedTime, now);
  return event.lastTimestamp === undefined
    ? firstSeen(event, now)
    : since(event.lastTimestamp, now);
}

/** Events of the newer API have no count before they are a series. */
const countOf = ({ series, count = 0 }: Event): number =>
  series === undefined ? Math.max(count, 1) : (series.count ?? 0);

function objectText({ involvedObject: { kind = "", name = "" } }: Event): string {
  return name === "" ? kind.toLowerCase() : `${kind.toLowerCase()}/${name}`;
}

function sourceText({ source, reportingComponent, reportingInstance }: Event): string {
  const component = source?.component || reportingComponent || "";
  const instance = source?.host || reportingInstance || "";
  return instance === "" ? component : `${component}, ${instance}`;
}

const sourceLabel = ({ source, reportingComponent }: Event): string =>
  source?.component || reportingComponent || "";

const checkLength = (path: string, text: string, most: number): Errors =>
  text.length <= most ? none : [invalid(path, "", `can have at most ${most} characters`)];

const checkFilled = (path: string, text: string, most: number): Errors => [
  ...(text === "" ? [required(path)] : none),
  ...checkLength(path, text, most),
];

/**
 * An Event stands in the namespace of what it is about; about cluster-scoped things, in default.
 */
function validateNamespace(event: Event): Errors {
  const path = "involvedObject.namespace";
  const about = event.involvedObject.namespace ?? "";
  const own = event.metadata?.namespace ?? "";
  const free = event.eventTime === undefined ? ["", "default"] : ["default", "kube-system"];
  const isGood = about === "" ? free.includes(own) : event.eventTime !== undefined || about === own;
  return isGood ? none : [invalid(path, about, "does not match event.namespace")];
}

function validateEvent(event: Event): Errors {
  const { eventTime, reportingComponent = "", reportingInstance = "" } = event;
  if (eventTime === undefined) return validateNamespace(event);
  return [
    ...validateNamespace(event),
    ...(reportingComponent === "" ? [required("reportingComponent")] : none),
    ...check("reportingComponent", reportingComponent, qualifiedNameComplaints),
    ...checkFilled("reportingInstance", reportingInstance, limits.reportingInstanceChars),
    ...checkFilled("action", event.action ?? "", limits.actionChars),
    ...checkFilled("reason", event.reason ?? "", limits.reasonChars),
    ...checkLength("message", event.message ?? "", limits.noteBytes),
  ];
}

export const events: Resource<Event> = {
  ref,
  storagePrefix: "/registry/events",
  nameRule: "dns-subdomain",
  columns: [
    textColumn("Last Seen", lastSeen),
    textColumn("Type", ({ type }) => type ?? ""),
    textColumn("Reason", ({ reason }) => reason ?? ""),
    textColumn("Object", objectText),
    wide(textColumn("Subobject", ({ involvedObject }) => involvedObject.fieldPath ?? "")),
    wide(textColumn("Source", sourceText)),
    textColumn("Message", ({ message }) => (message ?? "").trim()),
    wide(textColumn("First Seen", firstSeen)),
    wide({ ...numberColumn("Count", countOf), type: "string" }),
    wide(nameColumn),
  ],
  fieldLabels: {
    "involvedObject.kind": ({ involvedObject }) => involvedObject.kind ?? "",
    "involvedObject.namespace": ({ involvedObject }) => involvedObject.namespace ?? "",
    "involvedObject.name": ({ involvedObject }) => involvedObject.name ?? "",
    "involvedObject.uid": ({ involvedObject }) => involvedObject.uid ?? "",
    "involvedObject.apiVersion": ({ involvedObject }) => involvedObject.apiVersion ?? "",
    "involvedObject.resourceVersion": ({ involvedObject }) => involvedObject.resourceVersion ?? "",
    "involvedObject.fieldPath": ({ involvedObject }) => involvedObject.fieldPath ?? "",
    reason: ({ reason }) => reason ?? "",
    reportingComponent: ({ reportingComponent }) => reportingComponent ?? "",
    source: sourceLabel,
    type: ({ type }) => type ?? "",
  },
  defaults: (event) =>
    // The decoder leaves out what the client left out, and all else here reads it.
    event.involvedObject === undefined ? { ...event, involvedObject: {} } : event,
  fromStored: asCoreEvent,
  validate: validateEvent,
  timeToLiveSeconds: 3_600,
  createsOnUpdate: true,
};
