import type { Event } from "../../../api/core/v1.ts";
import { eventAge, oldestFirst } from "../event-text.ts";
import type { TabLines } from "./tab-lines.ts";

/** The events of an object, oldest first, as describe ends with them. */
export function writeEvents(out: TabLines, events: readonly Event[], nowMs: number): void {
  if (events.length === 0) return out.line(0, "Events:\t<none>");
  out.line(0, "Events:");
  out.line(1, "Type\tReason\tAge\tFrom\tMessage");
  out.line(1, "----\t------\t----\t----\t-------");
  for (const event of oldestFirst(events)) {
    const { type, reason, source, reportingComponent, message } = event;
    const from = source?.component || reportingComponent;
    const cells = [type, reason, eventAge(event, nowMs), from, (message ?? "").trim()];
    out.line(1, cells.map((cell) => cell ?? "").join("\t"));
  }
}
