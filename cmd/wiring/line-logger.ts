import type { Clock } from "../../pkg/base/clock.ts";
import type { Logger } from "../../pkg/telemetry/logger.ts";

type Fields = Readonly<Record<string, unknown>>;

/** Logs as JSON lines without a library: the supervisor's memory is counted in every node. */
export function lineLogger(
  clock: Clock,
  write: (line: string) => void,
  bound: Fields = {},
): Logger {
  const at =
    (level: string) =>
    (fields: Fields, message: string): void =>
      write(JSON.stringify({ level, time: clock.now(), ...bound, ...fields, msg: message }));
  return {
    debug: () => undefined,
    info: at("info"),
    warn: at("warn"),
    error: at("error"),
    child: (fields) => lineLogger(clock, write, { ...bound, ...fields }),
  };
}
