/** So many at a time: above it the client is told to come back, nothing is queued. */
import { StatusError } from "../../machinery/status-error.ts";
import type { ApiFilter } from "../api-request.ts";
import { mastersGroup } from "../auth-contract.ts";
import { isLongRunning } from "./deadline.ts";

const reads: ReadonlySet<string> = new Set(["get", "list"]);

export const limitInFlight =
  (max: { readonly reads: number; readonly writes: number }): ApiFilter =>
  (next) => {
    const running = { reads: 0, writes: 0 };
    return async (request) => {
      if (isLongRunning(request)) return next(request);
      const kind = reads.has(request.info.verb) ? "reads" : "writes";
      if (running[kind] >= max[kind] && !request.user.groups.includes(mastersGroup)) {
        throw new StatusError("TooManyRequests", "Too many requests, please try again later.", {
          retryAfterSeconds: 1,
        });
      }
      running[kind]++;
      try {
        return await next(request);
      } finally {
        running[kind]--;
      }
    };
  };
