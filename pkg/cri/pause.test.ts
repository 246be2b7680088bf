import { describe, expect, it } from "vitest";
import { needsPause, planPause } from "./pause-plan.ts";
import { pauseProgram } from "./pause-program.ts";

describe("pauseProgram", () => {
  it.each([
    ["x64", 62],
    ["arm64", 183],
  ] as const)(
    "is an executable for %s whose one segment holds its entry",
    (architecture, machine) => {
      const program = Buffer.from(pauseProgram(architecture));
      expect(program.toString("latin1", 0, 4)).toBe("\x7fELF");
      expect(program.readUInt16LE(18)).toBe(machine);
      const [entry, start] = [program.readBigUInt64LE(24), program.readBigUInt64LE(80)];
      expect(Number(entry - start)).toBe(120);
      expect(program.readBigUInt64LE(96)).toBe(BigInt(program.length));
    },
  );

  it("points at its own data", () => {
    const x64 = Buffer.from(pauseProgram("x64"));
    const behindLea = 120 + 17;
    expect(x64.readBigUInt64LE(behindLea + x64.readInt32LE(120 + 13))).toBe(1n);
    const arm64 = Buffer.from(pauseProgram("arm64"));
    const distance = ((arm64.readUInt32LE(128) >>> 5) & 0x7ffff) * 4;
    expect(arm64.readBigUInt64LE(128 + distance)).toBe(1n);
  });
});

it("joins the pod's namespaces but for the pid namespace, which it makes", () => {
  const paths = { hosts: "", resolvConf: "", hostname: "", shm: "", network: "/n", ipc: "/i" };
  const spec = planPause({ id: "a", root: "/p", cgroupParent: "/pods/x", paths });
  expect(spec.linux?.namespaces).toEqual([
    { type: "mount" },
    { type: "pid" },
    { type: "network", path: "/n" },
    { type: "ipc", path: "/i" },
  ]);
  expect(spec.linux?.cgroupsPath).toBe("/pods/x/a");
});

it.each([
  [undefined, true],
  [0, true],
  [1, false],
  [2, false],
] as const)("pid mode %s needs one: %s", (pid, needs) => {
  const namespaceOptions = pid === undefined ? {} : { pid };
  expect(needsPause({ linux: { securityContext: { namespaceOptions } } })).toBe(needs);
});
