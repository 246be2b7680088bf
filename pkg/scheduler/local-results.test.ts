import { describe, expect, it } from "vitest";
import type { Pod, PodSpec, Taint } from "../../api/core/v1.ts";
import { seededRandom, type Random } from "../base/random.ts";
import { ClusterCache } from "./cluster-cache.ts";
import { schedule } from "./cycle.ts";
import { defaultPlugins } from "./default-plugins.ts";
import type { Plugin } from "./framework.ts";
import { queuedPod } from "./queued-pod.ts";
import { Nominations } from "./nominations.ts";
import { Profile } from "./profile.ts";
import { describeRefusals } from "./refusals.ts";
import { hostname, node, on, pod, term, zone } from "./testing/small-cluster.ts";

const pick = <T>(random: Random, from: readonly T[]): T =>
  from[Math.floor(random.fraction() * from.length)] as T;

const names = Array.from({ length: 14 }, (_, index) => `n${index}`);
const taints: readonly (readonly Taint[])[] = [
  [],
  [],
  [{ key: "hard", effect: "NoSchedule" }],
  [{ key: "soft", effect: "PreferNoSchedule" }],
];
const web = { app: "web" };
const labelSelector = { matchLabels: web };
const specs: readonly Partial<PodSpec>[] = [
  {},
  { tolerations: [{ operator: "Exists" }] },
  { nodeSelector: { [zone]: "a" } },
  { containers: [{ name: "c", ports: [{ containerPort: 1, hostPort: 80 }] }] },
  {
    affinity: {
      nodeAffinity: {
        preferredDuringSchedulingIgnoredDuringExecution: [
          {
            weight: 9,
            preference: { matchExpressions: [{ key: zone, operator: "In", values: ["b"] }] },
          },
        ],
      },
    },
  },
  {
    affinity: {
      podAntiAffinity: {
        requiredDuringSchedulingIgnoredDuringExecution: [term(web, hostname)],
      },
    },
  },
  {
    topologySpreadConstraints: [
      { maxSkew: 1, topologyKey: zone, whenUnsatisfiable: "DoNotSchedule", labelSelector },
      { maxSkew: 1, topologyKey: hostname, whenUnsatisfiable: "ScheduleAnyway", labelSelector },
    ],
  },
];

/** The same, but nothing of what they say is kept. */
const forgetful = defaultPlugins.map(({ reads: _reads, ...plugin }): Plugin => plugin);

function disturb(random: Random, cache: ClusterCache, running: Pod[]): void {
  const what = random.fraction();
  if (what < 0.3) {
    const labels = { [zone]: pick(random, ["a", "b", "c"]) };
    const cpu = pick(random, ["1", "2", "4"]);
    cache.setNode(node(pick(random, names), labels, { taints: pick(random, taints), cpu }));
  } else if (what < 0.35) cache.removeNode(pick(random, names));
  else if (what < 0.55 && running.length > 0) {
    const [one] = running.splice(Math.floor(random.fraction() * running.length), 1);
    if (one !== undefined) cache.removePod(one);
  }
}

describe("results that are kept choose as if everything were asked again", () => {
  for (let seed = 1; seed <= 8; seed++) {
    it(`seed ${seed}`, () => {
      const random = seededRandom(seed);
      const cache = new ClusterCache();
      const kept = new Profile(defaultPlugins);
      const asking = new Profile(forgetful);
      const running: Pod[] = [];
      let decided = 0;
      for (let step = 0; step < 300; step++) {
        disturb(random, cache, running);
        const labels = pick(random, [{}, web]);
        // More sorts of pods than are remembered.
        const cpu = `${1 + Math.floor(random.fraction() * 60)}0m`;
        const wanted = pod(labels, pick(random, specs), { cpu });
        const nominations = new Nominations();
        if (random.fraction() < 0.2)
          nominations.set(
            queuedPod(pod({}, { priority: 5 }, { cpu: "1" }), 0),
            pick(random, names),
          );
        const options = { cache, nominations, start: step, tieBreak: random.fraction() };
        const queued = queuedPod(wanted, 0);
        const [quick, slow, asked] = [kept, new Profile(defaultPlugins), asking].map((profile) => {
          const result = schedule(profile, queued, options);
          return result.fits ? result.node.name : describeRefusals(result.refusals);
        });
        expect([step, quick]).toEqual([step, slow]);
        // Who asks all plugins in turn may hear of another reason first.
        if (cache.node(quick ?? "") !== undefined || cache.node(asked ?? "") !== undefined)
          expect([step, quick]).toEqual([step, asked]);
        if (quick === undefined || cache.node(quick) === undefined) continue;
        decided += 1;
        const placed = on(quick, wanted);
        cache.setPod(placed);
        running.push(placed);
      }
      expect(decided).toBeGreaterThan(50);
    });
  }
});
