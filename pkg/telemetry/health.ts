/**
 * /livez, /readyz and /healthz as Kubernetes' programs answer them: "ok", or which check failed;
 * `?verbose` lists all, `?exclude=name` leaves some out, and /readyz/name asks for one alone.
 */
import { chainOf } from "../base/errors.ts";
import type { WireResponse } from "../base/wire.ts";

export interface HealthCheck {
  /** "etcd", "ping", "poststarthook/rbac/bootstrap-roles". */
  readonly name: string;
  /** Rejects when unhealthy. Its reason is for the log: strangers may read the answer. */
  readonly check: (signal: AbortSignal) => Promise<void>;
}

export interface HealthQuestion {
  /** "livez", "readyz" or "healthz". */
  readonly name: string;
  /** /readyz/etcd asks for "etcd" alone. */
  readonly only?: string;
  readonly isVerbose: boolean;
  readonly exclude: readonly string[];
}

export const ping: HealthCheck = { name: "ping", check: () => Promise.resolve() };

/** Reads /readyz/etcd?verbose&exclude=x; undefined where the path is not about health. */
export function parseHealthPath(path: string): HealthQuestion | undefined {
  const [route = "", query = ""] = path.split("?");
  const found = /^\/(livez|readyz|healthz)(?:\/(.+))?$/.exec(route);
  if (found === null) return undefined;
  const parameters = new URLSearchParams(query);
  return {
    name: found[1] ?? "",
    ...(found[2] === undefined ? {} : { only: decodeURIComponent(found[2]) }),
    isVerbose: parameters.has("verbose"),
    exclude: parameters.getAll("exclude"),
  };
}

/** Runs the checks that the question is about, all at once, and says what they found. */
export async function answerHealth(
  question: HealthQuestion,
  checks: readonly HealthCheck[],
  signal: AbortSignal,
  onFailure?: (name: string, error: unknown) => void,
): Promise<WireResponse> {
  const { only, exclude } = question;
  const asked = checks.filter(({ name }) => (only === undefined ? true : name === only));
  if (asked.length === 0) return text(404, "404 page not found\n");
  const run = asked.map(async ({ name, check }): Promise<Outcome> => {
    if (only === undefined && exclude.includes(name)) return { name, was: "excluded" };
    try {
      await check(signal);
      return { name, was: "ok" };
    } catch (error) {
      onFailure?.(name, error);
      return { name, was: "failed", because: chainOf(error) };
    }
  });
  return renderHealth(question, await Promise.all(run));
}

export interface Outcome {
  readonly name: string;
  readonly was: "ok" | "excluded" | "failed";
  readonly because?: string;
}

/** The text of the answer; 500 when a check failed. */
export function renderHealth(question: HealthQuestion, outcomes: readonly Outcome[]): WireResponse {
  const failed = outcomes.find(({ was }) => was === "failed");
  if (question.only !== undefined) {
    return failed === undefined ? text(200, "ok") : text(500, "internal server error\n");
  }
  const known = new Set(outcomes.map(({ name }) => name));
  const unknown = question.exclude.filter((name) => !known.has(name)).map((name) => `"${name}"`);
  const warning =
    unknown.length === 0
      ? ""
      : `warn: some health checks cannot be excluded: no matches for ${unknown.join(",")}\n`;
  const lines = `${outcomes.map(line).join("")}${warning}`;
  if (failed !== undefined) return text(500, `${lines}${question.name} check failed\n`);
  return text(200, question.isVerbose ? `${lines}${question.name} check passed\n` : "ok");
}

const line = ({ name, was }: Outcome): string => {
  if (was === "excluded") return `[+]${name} excluded: ok\n`;
  return was === "ok" ? `[+]${name} ok\n` : `[-]${name} failed: reason withheld\n`;
};

const text = (status: number, body: string): WireResponse => ({
  status,
  headers: { "content-type": "text/plain; charset=utf-8", "x-content-type-options": "nosniff" },
  body: new TextEncoder().encode(body),
});
