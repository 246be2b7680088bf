import { describe, expect, it } from "vitest";
import { SimulatedClock } from "../sim/simulated-clock.ts";
import { silentLogger } from "../telemetry/logger.ts";
import { runSetup, selectPhases, type SetupContext, type SetupPhase } from "./setup-phase.ts";

interface Journal extends SetupContext {
  readonly did: string[];
  readonly said: string[];
  readonly logged: unknown[];
  readonly clock: SimulatedClock;
}
const journal = (): Journal => {
  const [said, logged]: [string[], unknown[]] = [[], []];
  const debug = (fields: object): void => void logged.push(fields);
  const clock = new SimulatedClock();
  const logger = { ...silentLogger, debug };
  return { did: [], said, logged, clock, logger, say: (line) => void said.push(line) };
};
const phase = (name: string): SetupPhase<Journal> => ({
  name,
  because: `${name} is needed`,
  plan: () => [`write ${name}`],
  run: async ({ did }) => void did.push(name),
});
const phases = ["preflight", "certs", "addon/dns", "addon/proxy"].map(phase);
const namesOf = (chosen: readonly SetupPhase<Journal>[]): readonly string[] =>
  chosen.map(({ name }) => name);

describe("selectPhases", () => {
  it("takes one, or a phase with its parts", () => {
    expect(namesOf(selectPhases(phases, { skipped: [], only: "certs" }))).toEqual(["certs"]);
    expect(namesOf(selectPhases(phases, { skipped: [], only: "addon" }))).toEqual([
      "addon/dns",
      "addon/proxy",
    ]);
  });
  it("leaves out what is skipped", () =>
    expect(namesOf(selectPhases(phases, { skipped: ["preflight", "addon/dns"] }))).toEqual([
      "certs",
      "addon/proxy",
    ]));
  it("knows what it does not know", () =>
    expect(() => selectPhases(phases, { skipped: ["cert"] })).toThrow(/no phase cert; there are/));
});

describe("runSetup", () => {
  it("runs in order", async () => {
    const context = journal();
    await runSetup(phases, context, false);
    expect(context.did).toEqual(namesOf(phases));
  });
  it("says how long each phase took, to who asks", async () => {
    const context = journal();
    const slow: SetupPhase<Journal> = {
      ...phase("slow"),
      run: async ({ clock }) => {
        const slept = clock.sleep(250);
        await clock.advance(250);
        await slept;
      },
    };
    await runSetup([phase("quick"), slow], context, false);
    expect(context.said).toEqual([]);
    expect(context.logged).toEqual([
      { phase: "quick", ms: 0 },
      { phase: "slow", ms: 250 },
    ]);
  });
  it("only tells, when dry", async () => {
    const context = journal();
    await runSetup(phases.slice(0, 1), context, true);
    expect(context.did).toEqual([]);
    expect(context.said).toEqual([
      "[preflight] preflight is needed",
      "[preflight] would write preflight",
    ]);
  });
});
