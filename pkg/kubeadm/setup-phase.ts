import type { Clock } from "../base/clock.ts";
import { runPhases, type Phase } from "../base/phases.ts";
import type { Logger } from "../telemetry/logger.ts";

/** A phase that can say what it would do, without doing it. */
export interface SetupPhase<Context> extends Phase<Context> {
  /** One line a change, for --dry-run. */
  readonly plan: (context: Context) => readonly string[] | Promise<readonly string[]>;
}

export interface Selection {
  /** Names; a name with a slash is a part of the phase before it. */
  readonly skipped: readonly string[];
  /** Absent: all. */
  readonly only?: string;
}

/** The phases to run, in their order. Throws where a name is none of theirs. */
export function selectPhases<C>(
  phases: readonly SetupPhase<C>[],
  { skipped, only }: Selection,
): readonly SetupPhase<C>[] {
  const isIn = (name: string, wanted: string): boolean =>
    name === wanted || name.startsWith(`${wanted}/`);
  for (const wanted of [...skipped, ...(only === undefined ? [] : [only])]) {
    if (phases.some(({ name }) => isIn(name, wanted))) continue;
    const names = phases.map(({ name }) => name).join(", ");
    throw new Error(`there is no phase ${wanted}; there are ${names}`);
  }
  return phases.filter(
    ({ name }) =>
      (only === undefined || isIn(name, only)) && !skipped.some((wanted) => isIn(name, wanted)),
  );
}

export interface SetupContext {
  readonly say: (line: string) => void;
  readonly clock: Clock;
  /** Hears at the level of debug how long each phase took. */
  readonly logger: Logger;
}

/** Runs them in order; with `dryRun` only tells what they would do. */
export async function runSetup<C extends SetupContext>(
  phases: readonly SetupPhase<C>[],
  context: C,
  dryRun: boolean,
): Promise<void> {
  if (!dryRun) return runPhases(phases.map(timed), context);
  for (const phase of phases) {
    if (phase.when?.(context) === false) continue;
    context.say(`[${phase.name}] ${phase.because}`);
    for (const line of await phase.plan(context)) context.say(`[${phase.name}] would ${line}`);
  }
}

const timed = <C extends SetupContext>(phase: SetupPhase<C>): SetupPhase<C> => ({
  ...phase,
  run: async (context) => {
    const start = context.clock.monotonic();
    await phase.run(context);
    const ms = Math.round(context.clock.monotonic() - start);
    context.logger.debug({ phase: phase.name, ms }, "phase done");
  },
});
