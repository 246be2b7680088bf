import assert from "node:assert/strict";
import { describe, it } from "vitest";
import type { Peer } from "../../base/wire.ts";
import { connect } from "../../client/connect.ts";
import { isReason } from "../../machinery/status-error.ts";
import { SimulatedClock } from "../../sim/simulated-clock.ts";
import { delegatedAuthorize } from "./delegated-authorize.ts";
import { accessOf } from "./server-parts.ts";

/** An API server that knows the token "good" of "ann", who may read logs and nothing else. */
function ask() {
  const asked: string[] = [];
  const clock = new SimulatedClock();
  const client = connect(
    async ({ path, body }) => {
      const { spec } = JSON.parse(Buffer.from(body ?? []).toString());
      asked.push(path.split("/").at(-1) ?? "");
      const status = path.endsWith("tokenreviews")
        ? { authenticated: spec.token === "good", user: { username: "ann", groups: [] } }
        : { allowed: spec.user === "ann" && spec.resourceAttributes.subresource === "log" };
      return { status: 201, headers: {}, body: Buffer.from(JSON.stringify({ spec, status })) };
    },
    { clock },
  );
  const authorize = delegatedAuthorize({ client, clock, nodeName: "n" });
  const access = (path: string, token: string | undefined, certificate?: Peer["certificate"]) =>
    authorize(
      accessOf({
        method: "GET",
        path,
        peer: { address: "::1", ...(certificate && { certificate }) },
        headers: { authorization: token === undefined ? undefined : `Bearer ${token}` },
      }),
    );
  return { asked, clock, access };
}

describe("who may ask the kubelet", () => {
  it("is for the API server to say, once for a while", async () => {
    const { asked, clock, access } = ask();
    await access("/logs/syslog", "good");
    await access("/logs/syslog", "good");
    assert.deepEqual(asked, ["tokenreviews", "subjectaccessreviews"]);
    await clock.advance(301_000);
    await access("/logs/", "good");
    assert.equal(asked.length, 4);
  });

  it("is refused without a name, and without leave", async () => {
    const { access } = ask();
    for (const token of [undefined, "bad"])
      await assert.rejects(access("/logs/", token), (error) => isReason(error, "Unauthorized"));
    for (const path of ["/exec/a/b/c", "/containerLogs/a/b/c", "/run/a/b/c", "/pods"])
      await assert.rejects(access(path, "good"), (error) => isReason(error, "Forbidden"));
  });

  it("is not asked about administrators", async () => {
    const { asked, access } = ask();
    await access("/pods", undefined, { commonName: "root", organizations: ["system:masters"] });
    assert.deepEqual(asked, []);
  });
});
