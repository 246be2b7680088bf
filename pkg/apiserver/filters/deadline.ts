/** A request may take so long and no longer, unless it is meant to last. */
import type { Clock } from "../../base/clock.ts";
import type { ApiFilter, ApiRequest } from "../api-request.ts";

const lasting: ReadonlySet<string> = new Set(["log", "exec", "attach", "portforward", "proxy"]);

/** Watches, logs and connections: they live as long as both sides want. */
export const isLongRunning = ({ info }: ApiRequest): boolean =>
  info.verb === "watch" || lasting.has(info.subresource);

export const withDeadline =
  (clock: Clock, requestMs: number): ApiFilter =>
  (next) =>
  (request) => {
    if (!isLongRunning(request)) request.limitTime(clock, requestMs);
    return next(request);
  };
