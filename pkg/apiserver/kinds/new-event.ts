import type { Event as CoreEvent } from "../../../api/core/v1.ts";
import type { Event } from "../../../api/events/v1.ts";
import { eventsV1 as ref } from "../../../api/resources.ts";
import { isSemanticallyEqual } from "../../machinery/equality.ts";
import { type FieldError, invalid, required } from "../../machinery/field-error.ts";
import type { Column, Resource } from "../resource.ts";
import { events as coreEvents } from "./event.ts";
import { asCoreEvent, asNewEvent, newEventVersion } from "./event-conversion.ts";
import { type Errors, immutable, none } from "./rules.ts";

/** Objects that come from a client may lack their own version. */
const coreOf = (event: Event): CoreEvent => asCoreEvent({ ...event, apiVersion: newEventVersion });

const columnOf = ({ cell, ...column }: Column<CoreEvent>): Column<Event> => ({
  ...column,
  cell: (event, now) => cell(coreOf(event), now),
});

/** Field labels have the names of this version; "source" is of the old one alone. */
const labelNames: readonly (readonly [name: string, core: string])[] = [
  ...["kind", "namespace", "name", "uid", "apiVersion", "resourceVersion", "fieldPath"].map(
    (field) => [`regarding.${field}`, `involvedObject.${field}`] as const,
  ),
  ["reason", "reason"],
  ["reportingController", "reportingComponent"],
  ["type", "type"],
];

const fieldLabels = Object.fromEntries(
  labelNames.map(([name, core]) => [
    name,
    (event: Event): string => coreEvents.fieldLabels?.[core]?.(coreOf(event)) ?? "",
  ]),
);

function validateSeries({ series }: Event): Errors {
  if (series === undefined) return none;
  return [
    ...(series.count < 2 ? [invalid("series.count", "", "should be at least 2")] : none),
    ...((series.lastObservedTime ?? "") === "" ? [required("series.lastObservedTime")] : none),
  ];
}

/** Upstream names fields of its internal version in these messages, which are core v1's. */
function validateNew(event: Event): Errors {
  const core = coreOf(event);
  const errors: FieldError[] = [...validateSeries(event)];
  if ((core.eventTime ?? "") === "") errors.push(required("eventTime"));
  if (core.type !== "Normal" && core.type !== "Warning")
    errors.push(invalid("type", "", `has invalid value: ${core.type ?? ""}`));
  for (const field of ["firstTimestamp", "lastTimestamp", "count"] as const)
    if ((core[field] ?? 0) !== 0) errors.push(invalid(field, "", "needs to be unset"));
  if ((core.source?.component ?? "") !== "" || (core.source?.host ?? "") !== "")
    errors.push(invalid("source", "", "needs to be unset"));
  return errors;
}

/** An Event is history: only how often it happened goes on. */
const fixed = [
  "involvedObject",
  "reason",
  "message",
  "source",
  "firstTimestamp",
  "lastTimestamp",
  "count",
  "type",
  "eventTime",
  "action",
  "related",
  "reportingComponent",
  "reportingInstance",
] as const;

function validateChange(event: Event, before: Event): Errors {
  const [now, old] = [coreOf(event), coreOf(before)];
  const changed = fixed.filter((field) => !isSemanticallyEqual(now[field], old[field]));
  return [
    ...(isSemanticallyEqual(now.series, old.series) ? none : validateSeries(event)),
    ...changed.map((field) =>
      immutable(field === "reportingComponent" ? "reportingController" : field, now[field] ?? null),
    ),
  ];
}

const validateBoth = (event: Event): Errors =>
  (coreEvents.validate?.(coreOf(event), undefined) ?? none).map((error) =>
    error.path === "reportingComponent" ? { ...error, path: "reportingController" } : error,
  );

/** Events as the newer API has them: the same objects under the same keys as core v1's. */
export const newEvents: Resource<Event> = {
  ref,
  storagePrefix: coreEvents.storagePrefix,
  nameRule: coreEvents.nameRule,
  columns: coreEvents.columns.map(columnOf),
  fieldLabels,
  fromStored: asNewEvent,
  validate: (event, before) => [
    ...validateBoth(event),
    ...(before === undefined ? validateNew(event) : validateChange(event, before)),
  ],
  timeToLiveSeconds: 3_600,
  createsOnUpdate: true,
};
