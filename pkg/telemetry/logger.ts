/**
 * pkg/telemetry is what a program says about itself: logs, metrics, health. It decides nothing, and
 * no one's work waits for it. Here: structured logs, implemented by pino in `pino-logger.ts`. One
 * place logs an error: the top.
 */
export interface Logger {
  debug(fields: Readonly<Record<string, unknown>>, message: string): void;
  info(fields: Readonly<Record<string, unknown>>, message: string): void;
  warn(fields: Readonly<Record<string, unknown>>, message: string): void;
  error(fields: Readonly<Record<string, unknown>>, message: string): void;
  child(fields: Readonly<Record<string, unknown>>): Logger;
}

const nothing = (): void => {};

/** For tests and for tools that print for people instead. */
export const silentLogger: Logger = {
  debug: nothing,
  info: nothing,
  warn: nothing,
  error: nothing,
  child: () => silentLogger,
};
