import { expect, it } from "vitest";
import { planHosts, planResolvConf } from "./sandbox-files-plan.ts";

it("names the pod in its own hosts file, and keeps the host's on the host's network", () => {
  const pod = { hostname: "web", ips: ["10.0.0.2"], isHostNetwork: false };
  expect(planHosts(pod, { hosts: "HOST" })).toContain("10.0.0.2\tweb\n");
  expect(planHosts({ ...pod, isHostNetwork: true }, { hosts: "HOST" })).toBe("HOST");
});

it("writes resolv.conf, or keeps the host's", () => {
  const host = { resolvConf: "nameserver 9.9.9.9\n" };
  expect(planResolvConf({}, host)).toBe(host.resolvConf);
  const dns = { servers: ["10.96.0.10"], searches: ["svc.local", "local"], options: ["ndots:5"] };
  expect(planResolvConf(dns, host)).toBe(
    "search svc.local local\nnameserver 10.96.0.10\noptions ndots:5\n",
  );
});
