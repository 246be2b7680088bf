import { expect, it } from "vitest";
import { SeccompPrograms } from "./seccomp-programs.ts";
import { seccompProgram } from "./seccomp.ts";

const profile = (errno: number) => ({
  defaultAction: "SCMP_ACT_ALLOW",
  syscalls: [{ names: ["mount"], action: "SCMP_ACT_ERRNO", errnoRet: errno }],
});

it("compiles equal profiles once, and different ones each for itself", () => {
  const programs = new SeccompPrograms();
  const first = programs.program(profile(1), "x64");
  expect(programs.program(profile(1), "x64")).toBe(first);
  expect(first).toEqual(seccompProgram(profile(1), "x64"));
  expect(programs.program(profile(2), "x64")).toEqual(seccompProgram(profile(2), "x64"));
  expect(programs.program(profile(1), "arm64")).toEqual(seccompProgram(profile(1), "arm64"));
});

it("forgets the one that was not used for longest", () => {
  const programs = new SeccompPrograms();
  const first = programs.program(profile(100), "x64");
  const second = programs.program(profile(101), "x64");
  for (let errno = 1; errno <= 15; errno++) {
    programs.program(profile(errno), "x64");
    programs.program(profile(100), "x64");
  }
  expect(programs.program(profile(100), "x64")).toBe(first);
  expect(programs.program(profile(101), "x64")).not.toBe(second);
});
