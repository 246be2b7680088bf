/** What a cluster does while one of its machines cannot be reached, and after one was booted. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { LineListener, type Line } from "./line-listener.ts";
import { enterWords, outsideWords, setLink } from "./machines.ts";
import { rebootMachine, startAfterBoot } from "./reboot-machine.ts";
import { eventually } from "./test-bed.ts";
import {
  isReady,
  TsadmBed,
  tryOr,
  webPod,
  webPodSpec,
  whyNoMachines,
  type ListedObject,
} from "./tsadm-bed.ts";

const reason = whyNoMachines();
if (reason !== undefined) console.log(`skipped: outages of machines: ${reason}`);

const nodePort = 30_080;
const toleratedSeconds = 5;
const tolerated = (key: string) => ({
  key: `node.kubernetes.io/${key}`,
  operator: "Exists",
  effect: "NoExecute",
  tolerationSeconds: toleratedSeconds,
});
const labels = { app: "web", of: "deployment" };
/** Two web servers, one a node while there are two; they leave a lost one soon. */
const deployment = {
  apiVersion: "apps/v1",
  kind: "Deployment",
  metadata: { name: "web" },
  spec: {
    replicas: 2,
    selector: { matchLabels: labels },
    template: {
      metadata: { labels },
      spec: {
        ...webPodSpec,
        // Without it a pod is ready before its server listens, and requests are refused.
        containers: webPodSpec.containers.map((container) => ({
          ...container,
          readinessProbe: { tcpSocket: { port: 8080 }, periodSeconds: 1 },
        })),
        // Its kubelet must confirm its end: without a grace nobody would wait for that.
        terminationGracePeriodSeconds: 1,
        tolerations: [...webPodSpec.tolerations, tolerated("unreachable"), tolerated("not-ready")],
        topologySpreadConstraints: [
          {
            maxSkew: 1,
            topologyKey: "kubernetes.io/hostname",
            whenUnsatisfiable: "ScheduleAnyway",
            labelSelector: { matchLabels: labels },
          },
        ],
      },
    },
  },
};
const service = {
  apiVersion: "v1",
  kind: "Service",
  metadata: { name: "web" },
  spec: {
    type: "NodePort",
    selector: { app: "web" },
    ports: [{ port: 80, targetPort: 8080, nodePort }],
  },
};

/** What the events of the watches have, as far as it is looked at. */
interface Watched {
  readonly metadata: ListedObject["metadata"] & { readonly deletionTimestamp?: string };
  readonly spec?: { readonly nodeName?: string };
  readonly status?: Exclude<ListedObject["status"], undefined>;
  readonly endpoints?: readonly {
    readonly nodeName?: string;
    readonly conditions?: { readonly ready?: boolean };
  }[];
}
const watched = (text: string): Watched => (JSON.parse(text) as { object: Watched }).object;

const hasNoEndpointOn =
  (node: string) =>
  (text: string): boolean =>
    (watched(text).endpoints ?? []).every(
      ({ nodeName, conditions }) => nodeName !== node || conditions?.ready !== true,
    );
const isEndedOn =
  (node: string) =>
  (text: string): boolean => {
    const { metadata, spec } = watched(text);
    return spec?.nodeName === node && metadata.deletionTimestamp !== undefined;
  };

/** "1763751600123 0 0.004 200": when it was sent, curl's exit code, seconds, HTTP status. */
const sentAfter =
  (wallMs: number) =>
  ({ text }: Line): boolean =>
    Number(text.split(" ")[0]) > wallMs;
const isFailure = ({ text }: Line): boolean => !text.endsWith(" 200");

describe.skipIf(reason !== undefined)("a cluster of which a machine is lost", () => {
  let bed: TsadmBed;
  const dispose = new AsyncDisposableStack();

  beforeAll(async () => {
    bed = dispose.use(await TsadmBed.make("outage", 2));
    bed.init();
    bed.join(2);
    bed.apply(deployment, service, webPod("steady", "machine-2"));
    await bed.readyPods(3, 60_000, "-l", "app=web");
  }, 180_000);
  afterAll(() => dispose.disposeAsync(), 60_000);

  const watch = (path: string, selector: string): LineListener => {
    const words = bed.kubectlWords(["get", "--raw", `${path}?watch=1&${selector}`]);
    return new LineListener(enterWords(bed.machine(1), words));
  };
  /** One request after the other to the Service's port of the machine that stays. */
  const requests = (): LineListener => {
    const url = `http://${bed.machine(1).address}:${nodePort}`;
    const curl = `curl -s -o /dev/null -m 3 -w '%{exitcode} %{time_total} %{http_code}\\n' ${url}`;
    const loop = `while :; do printf "$(date +%s%3N) "; ${curl}; sleep 0.1; done`;
    return new LineListener(outsideWords(bed.set, ["sh", "-c", loop]));
  };
  /** When a listener first hears what pleases. */
  const heard = async (
    what: string,
    listener: LineListener,
    pleases: (text: string) => boolean,
    fromMs: number,
  ): Promise<number> => {
    const first = () => listener.firstMs(pleases, fromMs);
    return (await eventually(what, first, (at) => at !== undefined, 60_000)) ?? Infinity;
  };
  const jsonPath = (...words: readonly string[]): string =>
    bed.kubectl("get", ...words.slice(0, -1), "-o", `jsonpath=${words.at(-1) ?? ""}`);

  it("goes on without it, moves its pods, and takes it back", async () => {
    const placed = bed.items("pods", "-l", "of=deployment").map(({ spec }) => spec?.nodeName);
    expect(new Set(placed)).toEqual(new Set(["machine-1", "machine-2"]));
    const steady = jsonPath("pod", "steady", "{.status.containerStatuses[0].containerID}");
    using nodes = watch("/api/v1/nodes", "fieldSelector=metadata.name%3Dmachine-2");
    using slices = watch(
      "/apis/discovery.k8s.io/v1/namespaces/default/endpointslices",
      "labelSelector=kubernetes.io/service-name%3Dweb",
    );
    using pods = watch("/api/v1/namespaces/default/pods", "labelSelector=of%3Ddeployment");
    using answers = requests();
    const listeners = [nodes, slices, pods, answers];
    const speak = () => listeners.every(({ lines }) => lines.length > 0);
    await eventually("all watches, and an answer", speak, (all) => all);

    const cutAt = performance.now();
    const wallMs = Date.now() - cutAt;
    setLink(bed.set, 2, "down");
    try {
      const isLost = (text: string): boolean => !isReady(watched(text));
      const lostAt = await heard("the node to be given up", nodes, isLost, cutAt);
      expect(lostAt - cutAt).toBeLessThanOrEqual(40_000);
      const isOut = hasNoEndpointOn("machine-2");
      const outAt = await heard("its endpoints to be gone", slices, isOut, cutAt);
      expect(outAt - lostAt).toBeLessThanOrEqual(1_000);
      const isEnded = isEndedOn("machine-2");
      const endedAt = await heard("its pod to be given up", pods, isEnded, cutAt);
      expect(endedAt - lostAt).toBeGreaterThan(toleratedSeconds * 1_000 - 500);
      const ready = () => bed.items("pods", "-l", "of=deployment").filter(isReady);
      await eventually("another in its place", ready, ({ length }) => length === 2);
      expect(ready().map(({ spec }) => spec?.nodeName)).toEqual(["machine-1", "machine-1"]);

      const before = answers.lines.filter(({ atMs }) => atMs > cutAt && atMs < outAt);
      const after = answers.lines.filter(sentAfter(outAt + wallMs + 500));
      expect(after.length).toBeGreaterThan(10);
      expect(after.filter(isFailure)).toEqual([]);
      console.log(
        `cut off: not ready after ${Math.round(lostAt - cutAt)} ms, endpoints gone ` +
          `${Math.round(outAt - lostAt)} ms later, pod given up ${Math.round(endedAt - lostAt)} ms ` +
          `later; requests failed: ${before.filter(isFailure).length} of ${before.length} until ` +
          `then, none of ${after.length} since`,
      );
    } finally {
      setLink(bed.set, 2, "up");
    }

    const backAt = performance.now();
    const answered = answers.lines.length;
    const isBack = (text: string): boolean => isReady(watched(text));
    const readyAt = await heard("the node to be back", nodes, isBack, backAt);
    await bed.readyPods(3, 90_000, "-l", "app=web");
    const well = () => bed.items("pods", "-l", "app=web");
    await eventually("the lost pod to be gone", well, ({ length }) => length === 3, 60_000);
    console.log(
      `back: ready after ${Math.round(readyAt - backAt)} ms, ` +
        `all pods well after ${Math.round(performance.now() - backAt)} ms`,
    );
    // It ran on all the time.
    expect(jsonPath("pod", "steady", "{.status.containerStatuses[0].containerID}")).toBe(steady);
    expect(jsonPath("node", "machine-2", "{.spec.taints}")).toBe("");
    expect(answers.lines.slice(answered).filter(isFailure)).toEqual([]);
  }, 240_000);

  it("starts a node's process again when it is killed, and its pods go on", async () => {
    const pidOf = (): string =>
      String((JSON.parse(bed.run(2, "cat", "/run/tskube/up.json")) as { pid: number }).pid);
    const before = pidOf();
    const container = jsonPath("pod", "steady", "{.status.containerStatuses[0].containerID}");
    bed.run(2, "kill", "-9", before);
    await eventually("another process", pidOf, (pid) => pid !== before);
    const hello = (): string => bed.kubectl("exec", "steady", "--", "node", "-p", "`hello`");
    const isHello = (text: string): boolean => text === "hello\n";
    await eventually("exec", () => tryOr(hello), isHello, 60_000);
    const now = jsonPath("pod", "steady", "{.status.containerStatuses[0].containerID}");
    expect(now).toBe(container);
  });

  /** Of every pod: machine, name, uid, restarts, whether it is ready. */
  const everyPod = (): readonly (readonly string[])[] =>
    jsonPath(
      "pods",
      "-A",
      "{range .items[*]}{.spec.nodeName} {.metadata.name} {.metadata.uid} " +
        "{.status.containerStatuses[0].restartCount} " +
        '{.status.conditions[?(@.type=="Ready")].status}{"\\n"}{end}',
    )
      .trim()
      .split("\n")
      .map((line) => line.split(" "));

  it("comes back from a boot of the control plane's machine with all it had", async () => {
    const before = everyPod();
    rebootMachine(bed.machine(1));
    expect(bed.run(1, "sh", "-c", "ls -A /run")).toBe("lock\n");
    expect(tryOr(() => jsonPath("nodes", "{.items}"))).toMatch(/refused/i);
    const bootedAt = performance.now();
    startAfterBoot(bed.machine(1));
    const uid = (): string => tryOr(() => jsonPath("deployment", "web", "{.metadata.uid}"));
    await eventually("the API", uid, (text) => /^[0-9a-f-]{36}$/.test(text), 90_000);
    const answeredAt = performance.now();
    // The same pods: each container on the booted machine is its pod's second.
    const expected = before.map(([node = "", name = "", id = "", restarts = ""]) => [
      node,
      name,
      id,
      node === "machine-1" ? String(Number(restarts) + 1) : restarts,
      "True",
    ]);
    const now = (): string => tryOr(() => JSON.stringify(everyPod()));
    const wanted = JSON.stringify(expected);
    await eventually("every pod to run again", now, (text) => text === wanted, 90_000);
    console.log(
      `boot: the API answers after ${Math.round(answeredAt - bootedAt)} ms, ` +
        `every pod is ready after ${Math.round(performance.now() - bootedAt)} ms`,
    );
    const url = `http://${bed.machine(1).address}:${nodePort}`;
    await eventually(
      "the Service",
      () => bed.ask(url),
      (text) => /^(web|steady)/.test(text),
    );
  }, 240_000);

  it("takes an API server back whose manifest was moved away, and blames no node", async () => {
    const judged = (): string =>
      tryOr(() =>
        jsonPath("nodes", '{.items[*].status.conditions[?(@.type=="Ready")].lastTransitionTime}'),
      );
    const before = judged();
    const file = "/etc/tskube/manifests/kube-apiserver.yaml";
    bed.run(1, "mv", file, "/run/away.yaml");
    await eventually("nobody to answer", judged, (text) => /refused/i.test(text));
    // Before its pod has ended: the same pod must begin anew.
    bed.run(1, "mv", "/run/away.yaml", file);
    await eventually("the same answer as before", judged, (text) => text === before, 60_000);
    const all = () => bed.items("pods", "-A");
    await eventually("all pods to be well", all, (pods) => pods.every(isReady), 60_000);
  });
});
