import type { Plugin } from "../framework.ts";

/** Higher priority first; among equals, who waits longest. */
export const prioritySort: Plugin = {
  name: "PrioritySort",
  queueSort: (a, b) => b.priority - a.priority || a.queuedAtMs - b.queuedAtMs,
};
