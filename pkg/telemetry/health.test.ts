import { describe, expect, it } from "vitest";
import { answerHealth, parseHealthPath, ping, type HealthCheck } from "./health.ts";

const broken: HealthCheck = { name: "etcd", check: () => Promise.reject(new Error("secret")) };
const signal = new AbortController().signal;

const ask = async (path: string, checks: readonly HealthCheck[]): Promise<[number, string]> => {
  const question = parseHealthPath(path);
  if (question === undefined) throw new Error(`${path} is not a health path`);
  const { status, body } = await answerHealth(question, checks, signal);
  return [status, new TextDecoder().decode(body as Uint8Array)];
};

describe("health", () => {
  for (const [path, checks, status, text] of [
    ["/livez", [ping], 200, "ok"],
    ["/livez?verbose", [ping], 200, "[+]ping ok\nlivez check passed\n"],
    [
      "/readyz",
      [ping, broken],
      500,
      "[+]ping ok\n[-]etcd failed: reason withheld\nreadyz check failed\n",
    ],
    ["/readyz?exclude=etcd", [ping, broken], 200, "ok"],
    [
      "/readyz?exclude=nope&verbose",
      [ping],
      200,
      '[+]ping ok\nwarn: some health checks cannot be excluded: no matches for "nope"\n' +
        "readyz check passed\n",
    ],
    ["/healthz/ping", [ping, broken], 200, "ok"],
    ["/healthz/etcd", [ping, broken], 500, "internal server error\n"],
    ["/healthz/nope", [ping], 404, "404 page not found\n"],
  ] as const) {
    it(`${path} answers ${status}`, async () => {
      expect(await ask(path, checks)).toEqual([status, text]);
    });
  }

  it("knows which paths are about health", () => {
    expect(parseHealthPath("/healthzz")).toBeUndefined();
    expect(parseHealthPath("/api/v1")).toBeUndefined();
  });
});
