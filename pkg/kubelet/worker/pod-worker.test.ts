import assert from "node:assert/strict";
import { afterEach, describe, it } from "vitest";
import type { PodStatus } from "../../../api/core/v1.ts";
import { testPod, WorkerBench } from "../testing/worker-bench.ts";

const readiness = ({ conditions }: PodStatus): string | undefined =>
  conditions?.find(({ type }) => type === "Ready")?.status;

describe("a pod's worker", () => {
  let bench = new WorkerBench();
  const open = (...images: readonly string[]): WorkerBench => {
    bench = images.length === 0 ? new WorkerBench() : new WorkerBench(images);
    return bench;
  };
  afterEach(() => bench.stop());

  it("runs a pod from nothing to ready without waiting for anything", async () => {
    const { runtime } = open();
    const pod = testPod("a");
    await bench.set(pod);
    assert.deepEqual(runtime.calls, [
      "runPodSandbox a",
      "createContainer web",
      "startContainer web",
    ]);
    const status = bench.status(pod);
    assert.equal(status.phase, "Running");
    assert.equal(bench.states(pod), "web=Running ready");
    assert.equal(bench.condition(pod, "Ready"), "True");
    assert.equal(status.podIP, [...runtime.sandboxes.values()][0]?.ip);
    assert.deepEqual(bench.events, [
      'Normal Pulled Container image "web:1" already present on machine',
      "Normal Created Container created",
      "Normal Started Container started",
    ]);
  });

  it("restarts what ends, at once, then with back-off, and forgets after ten minutes", async () => {
    const { runtime } = open();
    const pod = testPod("a");
    await bench.set(pod);
    runtime.end("web", 1);
    await bench.settle();
    assert.equal(bench.states(pod), "web=Running ready x1");
    runtime.end("web", 1);
    await bench.settle();
    assert.equal(bench.states(pod), "web=CrashLoopBackOff x1");
    const waiting = bench.status(pod).containerStatuses?.[0];
    assert.equal(
      waiting?.state?.waiting?.message,
      "back-off 10s restarting failed container=web pod=a_default(uid-a)",
    );
    assert.equal(waiting?.lastState?.terminated?.exitCode, 1);
    assert.equal(bench.status(pod).phase, "Running");
    await bench.advance(9_000);
    assert.equal(bench.states(pod), "web=CrashLoopBackOff x1");
    await bench.advance(1_500);
    assert.equal(bench.states(pod), "web=Running ready x2");
    runtime.end("web", 1);
    await bench.advance(19_000);
    assert.equal(bench.states(pod), "web=CrashLoopBackOff x2");
    await bench.advance(1_500);
    assert.equal(bench.states(pod), "web=Running ready x3");
    await bench.advance(605_000);
    runtime.end("web", 1);
    await bench.settle();
    assert.equal(bench.states(pod), "web=Running ready x4");
    assert.equal(bench.told("BackOff").length, 2);
  });

  it("ends a deleted pod: SIGTERM with its grace, the sandbox, and all that is left", async () => {
    const { runtime } = open();
    const pod = testPod("a");
    await bench.set(pod);
    runtime.calls.length = 0;
    runtime.endsAfterMs = () => 3_000;
    const deleted = {
      ...pod,
      metadata: {
        ...pod.metadata,
        deletionTimestamp: "2026-01-01T00:00:00Z",
        deletionGracePeriodSeconds: 30,
      },
    };
    await bench.set(deleted);
    assert.deepEqual(runtime.calls, ["stopContainer web 30s"]);
    await bench.advance(3_500);
    assert.deepEqual(runtime.calls, [
      "stopContainer web 30s",
      "stopPodSandbox a",
      "removeContainer web",
      "removePodSandbox a",
    ]);
    assert.equal(bench.status(pod).containerStatuses?.[0]?.state?.terminated?.exitCode, 143);
    assert.deepEqual(bench.gone, ["uid-a"]);
    assert.equal(bench.pods.pods().length, 0);
    assert.deepEqual(bench.told("Killing"), ["Normal Killing Stopping container web"]);
  });

  it("hurries when the grace is cut short", async () => {
    const { runtime } = open();
    const pod = testPod("a");
    await bench.set(pod);
    runtime.endsAfterMs = () => 600_000;
    const at = { ...pod.metadata, deletionTimestamp: "2026-01-01T00:00:00Z" };
    await bench.set({ ...pod, metadata: { ...at, deletionGracePeriodSeconds: 300 } });
    await bench.advance(1_000);
    assert.deepEqual(bench.gone, []);
    await bench.set({ ...pod, metadata: { ...at, deletionGracePeriodSeconds: 0 } });
    await bench.advance(1_000);
    assert.deepEqual(bench.gone, ["uid-a"]);
  });

  it("runs the preStop hook before SIGTERM, within the grace", async () => {
    const { runtime } = open();
    const hook = { preStop: { sleep: { seconds: 5 } } };
    const pod = testPod("a", { containers: [{ lifecycle: hook }] });
    await bench.set(pod);
    bench.pods.remove("uid-a");
    await bench.advance(4_000);
    assert.ok(!runtime.calls.some((call) => call.startsWith("stopContainer")));
    await bench.advance(2_000);
    assert.ok(runtime.calls.includes("stopContainer web 25s"));
    assert.deepEqual(bench.gone, ["uid-a"]);
  });

  it("kills and restarts a container whose postStart hook fails", async () => {
    const { runtime } = open();
    const hook = { postStart: { exec: { command: ["setup"] } } };
    let hooks = 0;
    runtime.exec = () => ({ exitCode: (hooks += 1) === 1 ? 1 : 0 });
    const pod = testPod("a", { restartPolicy: "OnFailure", containers: [{ lifecycle: hook }] });
    await bench.set(pod);
    assert.equal(bench.told("FailedPostStartHook").length, 1);
    assert.equal(bench.states(pod), "web=Running ready x1");
  });

  it("backs off pulling what cannot be had, and pulls it when it is there", async () => {
    const { runtime } = open("other:1");
    runtime.pullable = new Set();
    const pod = testPod("a");
    await bench.set(pod);
    await bench.advance(100);
    assert.equal(bench.states(pod), "web=ImagePullBackOff");
    assert.deepEqual(bench.events.slice(0, 5), [
      'Normal Pulling Pulling image "web:1"',
      'Warning Failed Failed to pull image "web:1": web:1: not found',
      "Warning Failed Error: ErrImagePull",
      'Normal BackOff Back-off pulling image "web:1"',
      "Warning Failed Error: ImagePullBackOff",
    ]);
    assert.equal(bench.status(pod).phase, "Pending");
    runtime.pullable = undefined;
    await bench.advance(11_000);
    assert.equal(bench.states(pod), "web=Running ready");
  });

  it("says why a name can be no image", async () => {
    open();
    const pod = testPod("a", { containers: [{ image: "Not An Image" }] });
    await bench.set(pod);
    assert.equal(bench.states(pod), "web=InvalidImageName");
    const never = testPod("b", { containers: [{ image: "none:1", imagePullPolicy: "Never" }] });
    await bench.set(never);
    assert.equal(bench.states(never), "web=ErrImageNeverPull");
  });

  it("runs init containers in order, then the rest; a failed one again", async () => {
    const { runtime } = open();
    const pod = testPod("a", { initContainers: [{ name: "one" }, { name: "two" }] });
    await bench.set(pod);
    assert.equal(bench.states(pod), "one=Running, two=PodInitializing, web=PodInitializing");
    runtime.end("one", 1);
    await bench.settle();
    assert.equal(bench.states(pod), "one=Running x1, two=PodInitializing, web=PodInitializing");
    runtime.end("one", 0);
    await bench.settle();
    assert.equal(bench.states(pod), "one=Completed ready x1, two=Running, web=PodInitializing");
    assert.equal(bench.status(pod).phase, "Pending");
    runtime.end("two", 0);
    await bench.settle();
    assert.equal(
      bench.states(pod),
      "one=Completed ready x1, two=Completed ready, web=Running ready",
    );
    assert.equal(bench.condition(pod, "Initialized"), "True");
  });

  it("keeps sidecars through initialisation and life, and ends them last", async () => {
    const { runtime } = open();
    const pod = testPod("a", {
      initContainers: [{ name: "proxy", restartPolicy: "Always" }, { name: "setup" }],
    });
    await bench.set(pod);
    assert.equal(bench.states(pod), "proxy=Running ready, setup=Running, web=PodInitializing");
    runtime.end("setup", 0);
    await bench.settle();
    runtime.end("proxy", 0);
    await bench.settle();
    assert.equal(
      bench.states(pod),
      "proxy=Running ready x1, setup=Completed ready, web=Running ready",
    );
    runtime.calls.length = 0;
    bench.pods.remove("uid-a");
    await bench.advance(1_000);
    const stops = runtime.calls.filter((call) => call.startsWith("stopContainer"));
    assert.deepEqual(
      stops.map((call) => call.split(" ")[1]),
      ["web", "proxy"],
    );
  });

  it("lets a pod that runs once succeed or fail, and does not wake it again", async () => {
    const { runtime } = open();
    const good = testPod("good", { restartPolicy: "OnFailure" });
    await bench.set(good);
    runtime.end("web", 0);
    await bench.settle();
    assert.equal(bench.status(good).phase, "Succeeded");
    assert.equal(bench.condition(good, "Ready"), "False");
    const bad = testPod("bad", { restartPolicy: "Never" });
    await bench.set(bad);
    runtime.end("web", 3);
    await bench.settle();
    assert.equal(bench.status(bad).phase, "Failed");
    assert.equal(bench.status(bad).containerStatuses?.[0]?.state?.terminated?.exitCode, 3);
    await bench.advance(60_000);
    assert.equal(runtime.calls.filter((call) => call === "startContainer web").length, 2);
    assert.ok(runtime.calls.includes("stopPodSandbox good"));
  });

  it("is ready when its probe says so, and tells when not", async () => {
    open();
    const readinessProbe = { httpGet: { port: 80 }, periodSeconds: 5, failureThreshold: 2 };
    const pod = testPod("a", { containers: [{ readinessProbe }] });
    bench.reach = () => ({ got: "answer", status: 503, body: "" });
    await bench.set(pod);
    await bench.advance(100);
    assert.equal(bench.states(pod), "web=Running");
    bench.reach = () => ({ got: "answer", status: 200, body: "" });
    await bench.advance(5_000);
    assert.equal(bench.states(pod), "web=Running ready");
    bench.reach = () => ({ got: "answer", status: 500, body: "" });
    await bench.advance(5_500);
    assert.equal(bench.condition(pod, "Ready"), "True");
    await bench.advance(5_000);
    assert.equal(bench.condition(pod, "Ready"), "False");
  });

  it("is ready soon after its server listens, although the first probes were refused", async () => {
    open();
    const pod = testPod("a", {
      containers: [{ readinessProbe: { tcpSocket: { port: 80 }, periodSeconds: 10 } }],
    });
    bench.reach = () => ({ got: "refused", message: "connection refused" });
    await bench.set(pod);
    await bench.advance(60);
    assert.equal(bench.states(pod), "web=Running");
    assert.deepEqual(bench.told("Unhealthy"), []);
    bench.reach = () => ({ got: "answer", status: 0, body: "" });
    await bench.advance(200);
    assert.equal(bench.states(pod), "web=Running ready");
  });

  it("restarts what is alive no more", async () => {
    const { runtime } = open();
    let healthy = true;
    runtime.exec = () => ({ exitCode: healthy ? 0 : 1, output: "sick" });
    const livenessProbe = { exec: { command: ["check"] }, periodSeconds: 1, failureThreshold: 2 };
    const pod = testPod("a", { containers: [{ livenessProbe }] });
    await bench.set(pod);
    await bench.advance(3_000);
    assert.equal(bench.states(pod), "web=Running ready");
    healthy = false;
    await bench.advance(2_500);
    assert.deepEqual(bench.told("Killing"), [
      "Normal Killing Container web failed liveness probe, will be restarted",
    ]);
    healthy = true;
    await bench.advance(1_000);
    assert.equal(bench.states(pod), "web=Running ready x1");
  });

  it("waits for startup before it asks about life", async () => {
    const { runtime } = open();
    const asked: string[] = [];
    let up = false;
    runtime.exec = (_container, cmd) => {
      asked.push(cmd[0] ?? "");
      return { exitCode: cmd[0] === "start" && !up ? 1 : 0 };
    };
    const pod = testPod("a", {
      containers: [
        {
          startupProbe: { exec: { command: ["start"] }, periodSeconds: 1, failureThreshold: 30 },
          livenessProbe: { exec: { command: ["live"] }, periodSeconds: 1 },
        },
      ],
    });
    await bench.set(pod);
    await bench.advance(5_000);
    assert.equal(bench.states(pod), "web=Running");
    assert.ok(!asked.includes("live"));
    up = true;
    await bench.advance(1_500);
    assert.equal(bench.states(pod), "web=Running ready");
    assert.ok(asked.includes("live"));
  });

  it("makes a new sandbox when the old one died", async () => {
    const { runtime } = open();
    const pod = testPod("a");
    await bench.set(pod);
    runtime.killSandboxes();
    await bench.advance(11_000);
    assert.equal(runtime.calls.filter((call) => call === "runPodSandbox a").length, 2);
    assert.match(bench.states(pod), /^web=Running ready x1$/);
  });

  it("restarts a container whose image was changed", async () => {
    const { runtime } = open("web:1", "web:2");
    const pod = testPod("a");
    await bench.set(pod);
    const changed = testPod("a", { containers: [{ image: "web:2" }] });
    bench.history.length = 0;
    await bench.set(changed);
    await bench.advance(100);
    assert.equal(runtime.container("web")?.config.image?.userSpecifiedImage, "web:2");
    assert.equal(bench.states(pod), "web=Running ready x1");
    assert.deepEqual(bench.told("BackOff"), []);
    // Nobody hears of the moment in between.
    assert.deepEqual(new Set(bench.history.map(readiness)), new Set(["True"]));
    assert.deepEqual(bench.told("Killing"), [
      "Normal Killing Container web definition changed, will be restarted",
    ]);
  });

  it("tells soon that the container that follows cannot be had", async () => {
    const { runtime } = open("web:1");
    runtime.pullable = new Set();
    const pod = testPod("a");
    await bench.set(pod);
    await bench.set(testPod("a", { containers: [{ image: "web:2" }] }));
    await bench.advance(100);
    assert.equal(bench.condition(pod, "Ready"), "False");
    assert.match(bench.states(pod), /^web=(?:ErrImagePull|ImagePullBackOff)/);
  });

  it("takes running containers up as they are after its own restart", async () => {
    const first = open();
    const pod = testPod("a");
    await first.set(pod);
    first.stop();
    const { runtime } = first;
    runtime.calls.length = 0;
    bench = new WorkerBench([], runtime);
    await bench.context.runtime.relist();
    await bench.set(pod);
    assert.deepEqual(runtime.calls, []);
    assert.equal(bench.states(pod), "web=Running ready");
  });

  it("ends and clears what runs and nobody wants", async () => {
    const first = open();
    await first.set(testPod("a"));
    first.stop();
    bench = new WorkerBench([], first.runtime);
    await bench.context.runtime.relist();
    bench.pods.endOrphans(bench.context.runtime.pods());
    await bench.advance(1_000);
    assert.equal(first.runtime.containers.size, 0);
    assert.equal(first.runtime.sandboxes.size, 0);
  });

  it("begins a static pod anew whose manifest is back before it has ended", async () => {
    const bench = open();
    const plain = testPod("a");
    const annotations = { "kubernetes.io/config.source": "file" };
    const pod = { ...plain, metadata: { ...plain.metadata, annotations } };
    await bench.set(pod);
    const [before] = bench.runtime.containers.keys();
    // Its status reaches nobody: it may be the pod of the API server.
    bench.mute();
    bench.pods.remove("uid-a");
    await bench.set(pod);
    await bench.advance(1_000);
    assert.deepEqual(bench.gone, ["uid-a"]);
    const [after] = bench.runtime.containers.keys();
    assert.notEqual(after, before);
    assert.equal(bench.states(pod), "web=Running ready");
    // And stays away when it was taken away for good.
    bench.pods.remove("uid-a");
    await bench.set(pod);
    bench.pods.remove("uid-a");
    await bench.advance(1_000);
    assert.equal(bench.runtime.containers.size, 0);
  });

  it("ends a pod at its deadline", async () => {
    open();
    const pod = testPod("a", { activeDeadlineSeconds: 5 });
    await bench.set(pod);
    await bench.advance(6_000);
    assert.equal(bench.status(pod).phase, "Failed");
    assert.equal(bench.status(pod).reason, "DeadlineExceeded");
  });

  it("tries a sandbox again that could not be made", async () => {
    const { runtime } = open();
    let left = 2;
    runtime.beforeCall = (name) => {
      if (name === "runPodSandbox" && (left -= 1) >= 0) throw new Error("no network");
    };
    const pod = testPod("a");
    await bench.set(pod);
    assert.deepEqual(bench.told("FailedCreatePodSandBox"), [
      "Warning FailedCreatePodSandBox Failed to create pod sandbox: no network",
    ]);
    await bench.advance(4_000);
    assert.equal(bench.states(pod), "web=Running ready");
  });

  it("waits for a volume, without hurry, and goes on as soon as it can be had", async () => {
    open();
    bench.mountFailure = new Error('configmap "late" not found');
    const pod = testPod("a");
    await bench.set(pod);
    await bench.advance(5_000);
    assert.equal(bench.states(pod), "web=ContainerCreating");
    assert.equal(bench.told("FailedMount")[0], 'Warning FailedMount configmap "late" not found');
    assert.ok(bench.mounts < 6, `${bench.mounts} attempts in 5 s`);
    bench.mountFailure = undefined;
    bench.pods.worker("uid-a")?.expireVolumes();
    await bench.settle();
    assert.equal(bench.states(pod), "web=Running ready");
  });

  it("waits for a ConfigMap that is not there", async () => {
    open();
    const env = [{ name: "A", valueFrom: { configMapKeyRef: { name: "none", key: "a" } } }];
    const pod = testPod("a", { containers: [{ env }] });
    await bench.set(pod);
    assert.equal(bench.states(pod), "web=CreateContainerConfigError");
    const waiting = bench.status(pod).containerStatuses?.[0]?.state?.waiting;
    assert.equal(waiting?.message, 'configmap "none" not found');
  });
});
