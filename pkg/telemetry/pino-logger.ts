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
    base: { component },
    timestamp: () => `,"time":"${new Date(clock.now()).toISOString()}"`,
    formatters: { level: (label: string) => ({ level: label }) },
    serializers: { error: errorField },
  };
  return wrap(destination === undefined ? pino(options) : pino(options, destination));
}

/** An error's whole chain on one line; its stack only goes along where there is one to read. */
const errorField = (error: unknown): unknown =>
  error instanceof Error ? { message: chainOf(error), stack: error.stack } : error;

const wrap = (log: Pino): Logger => ({
  debug: (fields, message) => log.debug(fields, message),
  info: (fields, message) => log.info(fields, message),
  warn: (fields, message) => log.warn(fields, message),
  error: (fields, message) => log.error(fields, message),
  child: (fields) => wrap(log.child(fields)),
});
