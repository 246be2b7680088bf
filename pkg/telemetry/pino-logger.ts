import { pino, type DestinationStream, type Logger as Pino } from "pino";
import type { Clock } from "../base/clock.ts";
import { chainOf } from "../base/errors.ts";
import type { Logger } from "./logger.ts";

export type LogLevel = "debug" | "info" | "warn" | "error";

export interface LoggerOptions {
  readonly clock: Clock;
  readonly level: LogLevel;
  /** Name of the program, on every line as `component`. */
  readonly component: string;
  /** Where lines go; absent: standard output, written synchronously so that a crash loses none. */
  readonly destination?: DestinationStream;
}

/** JSON lines, one a message: {"level":"info","time":"…","component":"…", …fields, "msg":"…"}. */
export function pinoLogger({ clock, level, component, destination }: LoggerOptions): Logger {
  const options = {
    level,
    base: null,
    timestamp: () => `,"time":"${new Date(clock.now()).toISOString()}"`,
    formatters: { level: (label: string) => ({ level: label }) },
    serializers: { error: errorField },
  };
  const root = destination === undefined ? pino(options) : pino(options, destination);
  return withFields(root, { component });
}

/** Children are made of the root: a field that is given again replaces the first, on every line. */
function withFields(root: Pino, fields: Readonly<Record<string, unknown>>): Logger {
  const log = root.child(fields);
  return {
    debug: (more, message) => log.debug(more, message),
    info: (more, message) => log.info(more, message),
    warn: (more, message) => log.warn(more, message),
    error: (more, message) => log.error(more, message),
    child: (more) => withFields(root, { ...fields, ...more }),
  };
}

/** An error's whole chain on one line; its stack only goes along where there is one to read. */
const errorField = (error: unknown): unknown =>
  error instanceof Error ? { message: chainOf(error), stack: error.stack } : error;
