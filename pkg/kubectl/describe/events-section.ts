import type { Event } from "../../../api/core/v1.ts";
import { since } from "../../machinery/human-duration.ts";
import type { TabLines } from "./tab-lines.ts";

const timeOf = (event: Event): string | undefined =>
  event.series?.lastObservedTime ??
  event.lastTimestamp ??
  event.eventTime ??
  event.firstTimestamp ??
  undefined;

function ageText(event: Event, nowMs: number): string {
  const first = event.firstTimestamp ?? event.eventTime;
  const count = event.series?.count ?? event.count ?? 1;
  if (count > 1) return `${since(timeOf(event), nowMs)} (x${count} over ${since(first, nowMs)})`;
  return since(first ?? timeOf(event), nowMs);
}

/** The events of an object, oldest first, as describe ends with them. */
export function writeEvents(out: TabLines, events: readonly Event[], nowMs: number): void {
  if (events.length === 0) return out.line(0, "Events:\t<none>");
  out.line(0, "Events:");
  out.line(1, "Type\tReason\tAge\tFrom\tMessage");
  out.line(1, "----\t------\t----\t----\t-------");
  for (const event of events.toSorted(
    (a, b) => Date.parse(timeOf(a) ?? "0") - Date.parse(timeOf(b) ?? "0"),
  )) {
    const { type, reason, source, reportingComponent, message } = event;
    const from = source?.component || reportingComponent;
    const cells = [type, reason, ageText(event, nowMs), from, (message ?? "").trim()];
    out.line(1, cells.map((cell) => cell ?? "").join("\t"));
  }
}
