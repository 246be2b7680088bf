import { describe, expect, it } from "vitest";
import { specProblem } from "./spec-problem.ts";

const good = {
  podSubnet: "10.244.0.0/16",
  serviceSubnet: "10.96.0.0/16",
  controlPlaneEndpoint: "10.0.0.1:6443",
  bindPort: 6443,
  token: "abcdef.0123456789abcdef",
};

describe("specProblem", () => {
  it("is none of what init takes by itself", () => expect(specProblem(good)).toBeUndefined());

  for (const [change, problem] of [
    [{ podSubnet: "10.244/16" }, /no IPv4 range for pods/],
    [{ podSubnet: "10.244.0.0/25" }, /at least a \/24/],
    [{ podSubnet: "fd00::/64" }, /no IPv4 range for pods/],
    [{ serviceSubnet: "10.96.0.0" }, /no IPv4 range for Services/],
    [{ serviceSubnet: "10.96.0.0/29" }, /not smaller than \/28/],
    [{ serviceSubnet: "10.244.8.0/24" }, /share addresses/],
    [{ podSubnet: "10.0.0.0/8" }, /share addresses/],
    [{ controlPlaneEndpoint: "https://api:6443" }, /HOST or HOST:PORT/],
    [{ bindPort: 70_000 }, /no port/],
    [{ token: "ABC" }, /tsadm token generate/],
  ] as const) {
    it(`is that of ${JSON.stringify(change)}`, () =>
      expect(specProblem({ ...good, ...change })).toMatch(problem));
  }

  it("never shows a token", () =>
    expect(specProblem({ ...good, token: "abcdef.SECRET" })).not.toContain("SECRET"));
});
