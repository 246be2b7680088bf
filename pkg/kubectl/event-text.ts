/** Times of events as people read them. Pure. */
import type { Event } from "../../api/core/v1.ts";
import { since } from "../machinery/human-duration.ts";

/** When it was seen last. */
export const lastSeen = (event: Event): string | undefined =>
  event.series?.lastObservedTime ??
  event.lastTimestamp ??
  event.eventTime ??
  event.firstTimestamp ??
  undefined;

/** "5m", or "5m (x3 over 7m)" where it happened more than once. */
export function eventAge(event: Event, nowMs: number): string {
  const first = event.firstTimestamp ?? event.eventTime;
  const count = event.series?.count ?? event.count ?? 1;
  if (count > 1) return `${since(lastSeen(event), nowMs)} (x${count} over ${since(first, nowMs)})`;
  return since(first ?? lastSeen(event), nowMs);
}

export const oldestFirst = (events: readonly Event[]): readonly Event[] =>
  events.toSorted((a, b) => Date.parse(lastSeen(a) ?? "0") - Date.parse(lastSeen(b) ?? "0"));
