import { describe, expect, it } from "vitest";
import type { Spec } from "../../api/oci/runtime.ts";
import { refuseUnsupported, refuseUnsupportedProcess } from "./refuse-unsupported.ts";

const spec = (process: object, linux: object, more: object = {}): Spec => ({
  ociVersion: "1.3.0",
  process: { cwd: "/", args: ["true"], ...process },
  linux,
  ...more,
});

describe("what the tape cannot do is refused by its name", () => {
  for (const [field, given] of [
    ["hooks.prestart", spec({}, {}, { hooks: { prestart: [{ path: "/bin/true" }] } })],
    ["hooks.poststop", spec({}, {}, { hooks: { poststop: [{ path: "/bin/true" }] } })],
    ["process.scheduler", spec({ scheduler: { policy: "SCHED_FIFO" } }, {})],
    ["process.ioPriority", spec({ ioPriority: { class: "IOPRIO_CLASS_IDLE" } }, {})],
    ["process.execCPUAffinity", spec({ execCPUAffinity: { initial: "0" } }, {})],
    ["process.apparmorProfile", spec({ apparmorProfile: "strict" }, {})],
    ["process.selinuxLabel", spec({ selinuxLabel: "a:b:c" }, {})],
    ["linux.intelRdt", spec({}, { intelRdt: { closID: "a" } })],
    ["linux.netDevices", spec({}, { netDevices: { eth1: {} } })],
    ["linux.memoryPolicy", spec({}, { memoryPolicy: { mode: "MPOL_BIND" } })],
    ["linux.timeOffsets", spec({}, { timeOffsets: { boottime: { secs: 1 } } })],
    ["linux.mountLabel", spec({}, { mountLabel: "a" })],
    ["linux.uidMappings", spec({}, { uidMappings: [{ containerID: 0, hostID: 1, size: 1 }] })],
    ["linux.personality", spec({}, { personality: { domain: "LINUX32" } })],
    ["linux.personality", spec({}, { personality: { flags: ["ADDR_NO_RANDOMIZE"] } })],
    ["linux.seccomp.listenerPath", spec({}, { seccomp: { listenerPath: "/run/notify" } })],
    ['linux.namespaces of type "time"', spec({}, { namespaces: [{ type: "time" }] })],
  ] as const) {
    it(field, () => expect(() => refuseUnsupported(given)).toThrow(`${field} is not supported`));
  }
});

it("lets pass what asks for nothing", () => {
  const nothing = { uidMappings: [], intelRdt: {}, personality: { domain: "LINUX", flags: [] } };
  refuseUnsupported(
    spec({ selinuxLabel: "", apparmorProfile: "" }, nothing, { hooks: { poststart: [] } }),
  );
});

it("refuses them of a process that comes later too", () => {
  const process = { cwd: "/", selinuxLabel: "a:b:c" };
  expect(() => refuseUnsupportedProcess(process)).toThrow("process.selinuxLabel");
});
