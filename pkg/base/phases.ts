/** A step of a sequence whose order matters. `because` is printed by --dry-run and by failures. */
export interface Phase<Context> {
  readonly name: string;
  readonly because: string;
  readonly when?: (context: Context) => boolean;
  readonly run: (context: Context) => Promise<void>;
}

/** Runs the phases in order. Rejects with the failing phase's name and reason, and its cause. */
export async function runPhases<Context>(
  phases: readonly Phase<Context>[],
  context: Context,
): Promise<void> {
  for (const phase of phases) {
    if (phase.when?.(context) === false) continue;
    await phase.run(context).catch((cause: unknown) => {
      throw new Error(`phase ${phase.name} failed (${phase.because})`, { cause });
    });
  }
}
