import type { Event } from "../../../api/core/v1.ts";
import { age } from "../print/age.ts";
import type { Section } from "./sections.ts";

const timeOf = (event: Event): string | undefined =>
  event.lastTimestamp ??
  event.series?.lastObservedTime ??
  event.eventTime ??
  event.firstTimestamp ??
  undefined;

function ageText(event: Event, nowMs: number): string {
  const last = age(timeOf(event), nowMs);
  const count = event.series?.count ?? event.count ?? 1;
  if (count <= 1) return last;
  return `${last} (x${count} over ${age(event.firstTimestamp ?? event.eventTime, nowMs)})`;
}

/** The events of an object, oldest first, as describe ends with them. */
export function eventsSection(events: readonly Event[], nowMs: number): Section {
  const rows = events
    .toSorted((a, b) => Date.parse(timeOf(a) ?? "0") - Date.parse(timeOf(b) ?? "0"))
    .map((event) => [
      event.type ?? "",
      event.reason ?? "",
      ageText(event, nowMs),
      event.source?.component ?? event.reportingComponent ?? "",
      (event.message ?? "").trim(),
    ]);
  const header = ["Type", "Reason", "Age", "From", "Message"];
  const rule = header.map((title) => "-".repeat(title.length));
  return { heading: "Events", table: rows.length === 0 ? [] : [header, rule, ...rows] };
}
