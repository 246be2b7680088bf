import type { Hooks, Plugin } from "./framework.ts";
import type { QueuedPod } from "./queued-pod.ts";
import { having } from "./framework.ts";
import { LocalResults } from "./local-results.ts";

type With<H extends keyof Hooks> = readonly (Plugin & Pick<Hooks, H>)[];

/** Signatures whose results are kept; the one not asked for longest goes. */
const signaturesMax = 64;

/** The hooks of one list of plugins, sorted out once, and what was found out with them. */
export class Profile {
  readonly plugins: readonly Plugin[];
  readonly preFilters: With<"preFilter">;
  readonly postFilters: With<"postFilter">;
  readonly preScores: With<"preScore">;
  /** Whose results are kept by what they read of the pod. */
  readonly localFilters: With<"filter">;
  readonly localScores: With<"score">;
  /** Asked for every pod and node. */
  readonly otherFilters: With<"filter">;
  readonly otherScores: With<"score">;
  readonly #readers: readonly ((pod: QueuedPod) => string)[];
  readonly #results = new Map<string, LocalResults>();

  constructor(plugins: readonly Plugin[]) {
    this.plugins = plugins;
    this.preFilters = having(plugins, "preFilter");
    this.postFilters = having(plugins, "postFilter");
    this.preScores = having(plugins, "preScore");
    const filters = having(plugins, "filter");
    const scores = having(plugins, "score");
    this.localFilters = filters.filter(({ reads }) => reads !== undefined);
    this.localScores = scores.filter(({ reads }) => reads !== undefined);
    this.otherFilters = filters.filter(({ reads }) => reads === undefined);
    this.otherScores = scores.filter(({ reads }) => reads === undefined);
    this.#readers = plugins
      .filter((plugin) => plugin.filter !== undefined || plugin.score !== undefined)
      .flatMap(({ reads }) => reads ?? []);
  }

  /** What is known of pods like this one, node by node. */
  resultsFor(pod: QueuedPod): LocalResults {
    const signature = this.#readers.map((reads) => reads(pod)).join("\n");
    const known = this.#results.get(signature);
    if (known !== undefined) this.#results.delete(signature);
    const results = known ?? this.#fresh();
    this.#results.set(signature, results);
    return results;
  }

  /** The arrays of the oldest are used again: clusters are large, and signatures come and go. */
  #fresh(): LocalResults {
    if (this.#results.size < signaturesMax) return new LocalResults(this);
    const [oldest = "", results] = this.#results.entries().next().value ?? [];
    this.#results.delete(oldest);
    results?.clear();
    return results ?? new LocalResults(this);
  }
}
