import { describe, expect, it } from "vitest";
import { StatusError } from "../machinery/status-error.ts";
import { clockDifferenceMsMax, clockProblem } from "./discover.ts";
import { explainConnection, explainToken } from "./explain-connection.ts";

const coded = (code: string): Error => Object.assign(new Error("x"), { code });

describe("explainConnection", () => {
  for (const [cause, because] of [
    [coded("ECONNREFUSED"), /nobody listens at https:\/\/10.0.0.1:6443/],
    [coded("EHOSTUNREACH"), /ip route get 10.0.0.1/],
    [new AggregateError([coded("ENETUNREACH")], "all"), /ip route get 10.0.0.1/],
    [coded("ERR_TLS_CERT_ALTNAME_INVALID"), /--apiserver-cert-extra-sans=10.0.0.1/],
    [coded("CERT_NOT_YET_VALID"), /timedatectl/],
    [coded("UNABLE_TO_VERIFY_LEAF_SIGNATURE"), /another authority than was told/],
    [new StatusError("Forbidden", "no"), /was it made by tsadm or kubeadm/],
    [new Error("something else"), /no cluster answers/],
  ] as const) {
    const title = "code" in cause ? String(cause.code) : cause.message;
    it(`says what to do about ${title}`, () => {
      // An answer of the API comes as it is; what the network says is wrapped on its way.
      const isAnswer = cause instanceof StatusError;
      const error = isAnswer ? cause : new Error("GET https://10.0.0.1:6443/api", { cause });
      const told = explainConnection("https://10.0.0.1:6443", error);
      expect(told.message).toMatch(because);
    });
  }
});

describe("clockProblem", () => {
  const day = 86_400_000;
  const authority = { notBeforeMs: 10 * day, notAfterMs: 1_000 * day };
  for (const [title, nowMs, theirsMs, expected] of [
    ["a little apart", 20 * day, 20 * day + clockDifferenceMsMax, undefined],
    ["too far ahead", 20 * day + clockDifferenceMsMax + 1_000, 20 * day, /241 s ahead of/],
    ["too far behind", 20 * day, 20 * day + 3_600_000, /3600 s behind the cluster's/],
    ["told by nobody, but before the authority", 9 * day, undefined, /not valid yet by this/],
    ["right, of a cluster that is too old", 1_001 * day, 1_001 * day, /authority has expired/],
  ] as const) {
    it(`is ${expected === undefined ? "nothing" : "told"} where the clock is ${title}`, () => {
      const told = clockProblem(nowMs, theirsMs, authority);
      if (expected === undefined) expect(told).toBeUndefined();
      else expect(told).toMatch(expected);
    });
  }
});

describe("explainToken", () => {
  it("says how to have another one", () =>
    expect(explainToken(new StatusError("Unauthorized", "Unauthorized")).message).toContain(
      "tsadm token create --print-join-command",
    ));

  it("leaves other failures as they are", () => {
    const other = new Error("waited 60 s");
    expect(explainToken(other)).toBe(other);
  });
});
