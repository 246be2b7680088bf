import { describe, expect, it } from "vitest";
import { formatSyscall } from "../linux/syscall.ts";
import {
  isPodSysctl,
  planHelper,
  planNamespaces,
  planOwnedSetup,
  planPins,
  sysctlPath,
} from "./namespaces-plan.ts";

it("plans a pod's namespaces", async () => {
  const planned = planNamespaces({
    hostname: "web",
    pins: { network: "/n/network", ipc: "/n/ipc", uts: "/n/uts" },
    sysctls: { "net.core.somaxconn": "1024" },
  });
  const text = planned.map((step) => `${formatSyscall(step)}\n`).join("");
  await expect(text).toMatchFileSnapshot("testdata/namespaces.txt");
});

it("plans those of a pod in a user namespace: born, pinned from outside, set up as its root", async () => {
  const pins = { network: "/n/network", user: "/n/user", ipc: "/n/ipc" };
  const plan = { hostname: "web", pins, sysctls: { "kernel.sem": "1 2 3 4" } };
  const steps = [
    ...planHelper(new Uint8Array(100)),
    ...planPins(7, pins),
    ...planOwnedSetup(plan, 65_536),
  ];
  const text = steps.map((step) => `${formatSyscall(step)}\n`).join("");
  await expect(text).toMatchFileSnapshot("testdata/namespaces-of-a-user.txt");
});

it("sets up nothing of the host's", () => {
  const planned = planNamespaces({ hostname: "web", pins: { ipc: "/n/ipc" }, sysctls: {} });
  expect(planned.map(({ call }) => call)).toEqual(["mount", "exit_group"]);
});

describe("isPodSysctl", () => {
  const own = { network: "n", ipc: "i", uts: "u" };
  it.each([
    ["net.ipv4.tcp_syncookies", own, true],
    ["net/ipv4/conf/eth0.1/forwarding", own, true],
    ["kernel.shmmax", own, true],
    ["fs.mqueue.msg_max", own, true],
    ["kernel.panic", own, false],
    ["vm.overcommit_memory", own, false],
    ["net/../vm/overcommit_memory", own, false],
    ["net.ipv4.tcp_syncookies", { ipc: "i" }, false],
    ["kernel.shmmax", { network: "n" }, false],
  ])("%s", (name, pins, isOwn) => expect(isPodSysctl(name, pins)).toBe(isOwn));

  it("keeps dots in names that are paths", () => {
    expect(sysctlPath("net/ipv4/conf/eth0.1/forwarding")).toBe(
      "/proc/sys/net/ipv4/conf/eth0.1/forwarding",
    );
  });
});
