import { systemClock } from "../../pkg/base/system-clock.ts";
import { systemRandom } from "../../pkg/base/system-random.ts";
import type { Clock } from "../../pkg/base/clock.ts";
import type { Random } from "../../pkg/base/random.ts";
import type { FlagSpecs } from "../../pkg/base/flags.ts";
import { UsageError } from "../../pkg/base/flags.ts";
import type { Logger } from "../../pkg/telemetry/logger.ts";
import { pinoLogger, type LogLevel } from "../../pkg/telemetry/pino-logger.ts";

/** What every part needs of the outside. */
export interface Doors {
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
}

export const logFlags = {
  "log-level": { kind: "text", help: "debug, info, warn or error (info)" },
} as const satisfies FlagSpecs;

const levels: readonly string[] = ["debug", "info", "warn", "error"] satisfies readonly LogLevel[];

/** The real doors of one program. Throws UsageError on an unknown level. */
export function systemDoors(component: string, level = "info"): Doors {
  if (!levels.includes(level)) {
    throw new UsageError(`--log-level ${level}: say ${levels.join(", ")}`);
  }
  const logger = pinoLogger({ clock: systemClock, level: level as LogLevel, component });
  return { clock: systemClock, random: systemRandom, logger };
}
