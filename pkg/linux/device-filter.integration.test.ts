import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, rmdirSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { readCgroupHost } from "./cgroup.ts";
import { attachDeviceRules } from "./device-filter.ts";
import { systemKernel } from "./system-kernel.ts";

const isRoot = process.getuid?.() === 0;
const unified = isRoot ? readCgroupHost().unified : undefined;
if (unified === undefined) process.stderr.write("device tests are skipped: no root, no cgroup2\n");

const denyAll = { allow: false, access: "rwm" };
const null_ = { type: "c", major: 1, minor: 3 };

describe.skipIf(unified === undefined)("device rules on cgroup v2", () => {
  for (const [title, rules, script, isAllowed] of [
    ["allow what no rule names", [], "cat /dev/null", true],
    ["refuse all", [denyAll], "cat /dev/null", false],
    ["let the last rule win", [denyAll, { ...null_, allow: true }], "cat /dev/null", true],
    ["know the minor number", [denyAll, { ...null_, allow: true }], "head -c1 /dev/zero", false],
    [
      "know a whole major number",
      [denyAll, { allow: true, type: "c", major: 1 }],
      "head -c1 /dev/zero",
      true,
    ],
    [
      "tell reading from writing",
      [denyAll, { ...null_, allow: true, access: "r" }],
      "echo > /dev/null",
      false,
    ],
    ["refuse one access only", [{ ...null_, allow: false, access: "w" }], "cat /dev/null", true],
    ["tell block from character", [denyAll, { allow: true, type: "b" }], "cat /dev/null", false],
  ] as const) {
    it(title, () => {
      const folder = `${unified}/tskube-test-devices-${process.pid}`;
      mkdirSync(folder);
      const kernel = systemKernel();
      const fd = kernel.call("openat", [["AT_FDCWD"], folder, ["O_RDONLY", "O_CLOEXEC"]], folder);
      try {
        attachDeviceRules(kernel, fd, rules);
        const shell = `echo $$ > ${folder}/cgroup.procs && ${script}`;
        const { status } = spawnSync("sh", ["-c", shell], { stdio: "pipe" });
        expect(status === 0).toBe(isAllowed);
      } finally {
        kernel.call("close", [fd]);
        if (existsSync(folder)) rmdirSync(folder);
      }
    });
  }
});
