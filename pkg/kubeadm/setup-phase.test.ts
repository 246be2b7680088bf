import { describe, expect, it } from "vitest";
import { runSetup, selectPhases, type SetupPhase } from "./setup-phase.ts";

interface Journal {
  readonly did: string[];
  readonly said: string[];
  readonly say: (line: string) => void;
}
const journal = (): Journal => {
  const said: string[] = [];
  return { did: [], said, say: (line) => void said.push(line) };
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
