import { execFileSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import {
  closeSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readFileSync,
  readdirSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import {
  eventually,
  root,
  TestBed,
  traces,
  upstreamProgram,
  whyNot,
  type Outcome,
} from "./test-bed.ts";
import { busybox, pidInCgroup } from "./test-pods.ts";

const reason = whyNot();
if (reason !== undefined) console.log(`skipped: the cluster of hack/up: ${reason}`);
const kubectl = reason === undefined ? upstreamProgram("kubectl") : undefined;
const crictl = reason === undefined ? upstreamProgram("crictl") : undefined;
if (kubectl === undefined) console.log("skipped: upstream kubectl as a client: there is none");
if (crictl === undefined) console.log("skipped: upstream crictl as a client: there is none");

interface Container {
  readonly containerID: string;
  readonly restartCount: number;
}
interface Pod {
  readonly metadata: { readonly name: string; readonly uid: string };
  readonly status: {
    readonly phase: string;
    readonly podIP?: string;
    readonly containerStatuses?: readonly Container[];
    readonly conditions?: readonly { readonly type: string; readonly status: string }[];
  };
}

describe.skipIf(reason !== undefined)("a cluster of one node, by hack/up", () => {
  let bed: TestBed;
  const tskubectl = (...args: string[]): string =>
    bed.run("/usr/local/bin/tskubectl", args, { timeoutMs: 60_000 });
  const refused = (input: string, ...args: string[]): string => {
    const { code, err } = bed.try("/usr/local/bin/tskubectl", args, { input });
    expect(code).toBe(1);
    return err;
  };
  const pods = (selector: string): readonly Pod[] =>
    (JSON.parse(tskubectl("get", "pods", "-l", selector, "-o", "json")) as { items: Pod[] }).items;
  const isReady = (pod: Pod): boolean =>
    pod.status.conditions?.some(({ type, status }) => type === "Ready" && status === "True") ===
    true;
  const apply = (manifest: object): void =>
    void bed.run("/usr/local/bin/tskubectl", ["apply", "-f", "-"], {
      input: JSON.stringify(manifest),
    });
  const running = async (name: string): Promise<Pod> =>
    (
      await eventually(
        `pod ${name} is Ready`,
        () => pods(`app=${name}`),
        ([pod]) => pod !== undefined && isReady(pod),
      )
    )[0] as Pod;
  const pidOf = (pattern: string): number =>
    Number(execFileSync("pgrep", ["-o", "-f", pattern], { encoding: "utf8" }).trim());

  beforeAll(() => {
    // Images come from outside: fetched before, since the cluster's own network leads nowhere.
    execFileSync(process.execPath, [join(root, "hack/ensure-image.ts"), "nginx", "busybox"], {
      stdio: "inherit",
    });
    bed = new TestBed("tskube-e2e-up");
  });
  afterAll(() => {
    bed.try(join(root, "hack/down"), [], { timeoutMs: 120_000 });
    bed[Symbol.dispose]();
  });

  it("ends with the page over every pod and the Service, and may be run again", () => {
    for (const turn of ["first", "second"]) {
      const printed = bed.run(join(root, "hack/up"), [], { timeoutMs: 150_000 });
      expect(printed.match(/"Welcome to nginx!"/g), turn).toHaveLength(3);
      expect(printed).toMatch(/ready after [\d.]+ s/);
    }
  });

  it("prints commands that work from any folder", () => {
    const printed = bed.run(join(root, "hack/up"), [], { timeoutMs: 150_000 });
    const commands = [...printed.matchAll(/^ {2}tskubectl (.*?)(?: +#.*)?$/gm)].map(
      (match) => match[1] ?? "",
    );
    expect(commands.length).toBeGreaterThan(5);
    const said = commands.map((words) =>
      tskubectl(...words.replace("-it ", "").replace("-- sh", "-- sh -c true").split(" ")),
    );
    expect(said.join("")).toMatch(/nginx-\S+ +1\/1 +Running/);
    expect(said.join("")).toContain("ScalingReplicaSet");
    expect(said.join("")).toContain("GET / HTTP/1.1");
    expect(said.join("")).toContain("Welcome to nginx!");
    tskubectl("scale", "deployment", "nginx", "--replicas=3");
    expect(tskubectl("rollout", "status", "deployment/nginx")).toContain("successfully rolled out");
    expect(pods("app=nginx").filter(isReady).length).toBeGreaterThanOrEqual(3);
  });

  it("rolls without a failed request on the ClusterIP, and goes back", async () => {
    apply(busybox("client"));
    await running("client");
    const address = tskubectl("get", "service", "nginx", "-o", "jsonpath={.spec.clusterIP}");
    const loop = `i=0; f=0; while [ ! -e /tmp/stop ]; do i=$((i+1)); timeout 5 wget -q -O /dev/null http://${address}/ || f=$((f+1)); done; echo "$i $f" > /tmp/result`;
    tskubectl("exec", "client", "--", "sh", "-c", `(${loop}) > /dev/null 2>&1 &`);
    const template = (): string =>
      tskubectl("get", "deployment", "nginx", "-o", "jsonpath={.spec.template}");
    const before = template();
    tskubectl("set", "env", "deployment/nginx", "COLOR=green");
    tskubectl("rollout", "status", "deployment/nginx");
    expect(template()).toContain("COLOR");
    tskubectl("rollout", "undo", "deployment/nginx");
    tskubectl("rollout", "status", "deployment/nginx");
    expect(template()).toBe(before);
    tskubectl("exec", "client", "--", "touch", "/tmp/stop");
    const result = await eventually(
      "the client's result",
      () => bed.try("/usr/local/bin/tskubectl", ["exec", "client", "--", "cat", "/tmp/result"]),
      ({ code }) => code === 0,
    );
    const [requests, failed] = result.out.trim().split(" ").map(Number);
    expect(requests).toBeGreaterThan(50);
    expect(failed).toBe(0);
  }, 120_000);

  it("gives containers Secrets and ConfigMaps, as environment and as files", async () => {
    apply({
      apiVersion: "v1",
      kind: "ConfigMap",
      metadata: { name: "conf" },
      data: { color: "blue" },
    });
    apply({
      apiVersion: "v1",
      kind: "Secret",
      metadata: { name: "key" },
      stringData: { word: "sesame" },
    });
    const env = [
      { name: "COLOR", valueFrom: { configMapKeyRef: { name: "conf", key: "color" } } },
      { name: "WORD", valueFrom: { secretKeyRef: { name: "key", key: "word" } } },
    ];
    const volumeMounts = [
      { name: "conf", mountPath: "/conf" },
      { name: "key", mountPath: "/key" },
    ];
    apply(
      busybox("configured", {
        container: { env, volumeMounts },
        spec: {
          volumes: [
            { name: "conf", configMap: { name: "conf" } },
            { name: "key", secret: { secretName: "key" } },
          ],
        },
      }),
    );
    await running("configured");
    const seen = tskubectl(
      "exec",
      "configured",
      "--",
      "sh",
      "-c",
      "echo $COLOR $WORD; cat /conf/color /key/word; ls /var/run/secrets/kubernetes.io/serviceaccount",
    );
    expect(seen).toBe("blue sesame\nbluesesameca.crt\nnamespace\ntoken\n");
  });

  it("confines containers: seccomp, capabilities, read-only paths", () => {
    const status = tskubectl("exec", "client", "--", "cat", "/proc/1/status");
    expect(status).toMatch(/Seccomp:\t2/);
    expect(status).toMatch(/CapEff:\t00000000a80425fb/);
    expect(
      bed.try("/usr/local/bin/tskubectl", [
        "exec",
        "client",
        "--",
        "sh",
        "-c",
        "echo x > /proc/sys/kernel/hostname",
      ]).code,
    ).not.toBe(0);
  });

  it("gives a pod users of its own that asks for them: its root is nobody on the host", async () => {
    const container = { volumeMounts: [{ name: "data", mountPath: "/data" }] };
    const volumes = [{ name: "data", emptyDir: {} }];
    for (const name of ["users-1", "users-2"]) {
      apply(busybox(name, { container, spec: { hostUsers: false, volumes } }));
    }
    const [one, two] = [await running("users-1"), await running("users-2")];
    const hostIdOf = (pod: Pod): number => {
      const pid = pidInCgroup(pod.status.containerStatuses?.[0]?.containerID ?? "");
      return Number(/^Uid:\t(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1]);
    };
    expect([hostIdOf(one), hostIdOf(two)].toSorted((a, b) => a - b)).toEqual([65_536, 131_072]);
    const look = "touch /data/x && stat -c %u / /data/x /etc/hosts && cat /proc/self/uid_map";
    const [root, made, hosts, map = ""] = tskubectl("exec", "users-1", "--", "sh", "-c", look)
      .trim()
      .split("\n");
    expect([root, made, hosts]).toEqual(["0", "0", "0"]);
    expect(map.trim().split(/\s+/)).toEqual(["0", String(hostIdOf(one)), "65536"]);
    tskubectl("delete", "pod", "users-1", "users-2");
  }, 60_000);

  it("answers names: services by their short names, other names by other servers", () => {
    const resolved = tskubectl("exec", "client", "--", "wget", "-q", "-O", "-", "http://nginx/");
    expect(resolved).toContain("Welcome to nginx!");
    expect(
      tskubectl(
        "exec",
        "client",
        "--",
        "wget",
        "-q",
        "-O",
        "-",
        "http://nginx.default.svc.cluster.local/",
      ),
    ).toContain("Welcome");
    expect(
      tskubectl("exec", "client", "--", "nslookup", "kubernetes.default.svc.cluster.local"),
    ).toContain("10.96.0.1");
    expect(
      bed.try("/usr/local/bin/tskubectl", [
        "exec",
        "client",
        "--",
        "nslookup",
        "nope.default.svc.cluster.local",
      ]).code,
    ).not.toBe(0);
  });

  const clients = ["/usr/local/bin/tskubectl", ...(kubectl === undefined ? [] : [kubectl])];
  for (const [at, client] of clients.entries()) {
    it(`leads ports and files into pods, for ${client.split("/").at(-1)}`, async () => {
      const env = { KUBECONFIG: "/etc/tskube/admin.conf" };
      const run = (words: readonly string[], input = ""): Outcome =>
        bed.try(client, words, { timeoutMs: 60_000, env, input });
      const port = `${18_080 + at}`;
      const folder = mkdtempSync(join(tmpdir(), "tskube-e2e-cp-"));
      const log = openSync(join(folder, "forward.log"), "w");
      const words = ["port-forward", "--kubeconfig", env.KUBECONFIG, "svc/nginx", `${port}:80`];
      const forwarding = bed.start(client, words, log);
      try {
        await eventually(
          "the page through the forwarded port",
          () => bed.try("curl", ["-sm", "5", `http://127.0.0.1:${port}/`]).out,
          (page) => page.includes("Welcome to nginx!"),
        );
        const data = randomBytes(300_000);
        writeFileSync(join(folder, "there"), data);
        expect(run(["cp", join(folder, "there"), "default/client:/tmp/there"]).code).toBe(0);
        expect(run(["cp", "default/client:/tmp/there", join(folder, "back")]).code).toBe(0);
        expect(readFileSync(join(folder, "back")).equals(data)).toBe(true);
        const script = "read line; echo $line; exit 3";
        const name = `once-${at}`;
        const once = ["run", name, "--rm", "-i", "--restart=Never", "--image=busybox", "-q"];
        const policy = "--image-pull-policy=IfNotPresent";
        const ended = run([...once, policy, "--", "sh", "-c", script], "said\n");
        expect([ended.code, ended.out]).toEqual([3, expect.stringContaining("said\n")]);
        expect(tskubectl("get", "pods", "-o", "name")).not.toContain(name);
      } finally {
        forwarding.kill("SIGTERM");
        closeSync(log);
        rmSync(folder, { recursive: true });
      }
    });
  }

  it("restarts a killed container, with back-off", async () => {
    apply(busybox("crasher", { container: { command: ["sh", "-c", "sleep 1; exit 3"] } }));
    await eventually(
      "a back-off",
      () => tskubectl("get", "pod", "crasher"),
      (text) => text.includes("CrashLoopBackOff"),
      40_000,
    );
    const described = tskubectl("describe", "pod", "crasher");
    expect(described).toMatch(/Exit Code: +3/);
    expect(described).toContain("Back-off restarting failed container");
    const [before] = pods("app=client");
    process.kill(pidInCgroup(before?.status.containerStatuses?.[0]?.containerID ?? ""), "SIGKILL");
    const [after] = await eventually(
      "a restart",
      () => pods("app=client"),
      ([pod]) => (pod?.status.containerStatuses?.[0]?.restartCount ?? 0) > 0,
    );
    expect(after?.metadata.uid).toBe(before?.metadata.uid);
  }, 90_000);

  it("replaces a deleted pod", async () => {
    const [victim] = pods("app=nginx");
    tskubectl("delete", "pod", victim?.metadata.name ?? "");
    const now = await eventually(
      "three pods",
      () => pods("app=nginx").filter(isReady),
      (list) => list.length === 3,
    );
    expect(now.map((pod) => pod.metadata.uid)).not.toContain(victim?.metadata.uid);
  });

  for (const [title, pattern] of [
    ["the cluster's own process", "/usr/local/lib/tskube/tskube.mjs up"],
    ["the supervisor of containers", "/usr/local/lib/tskube/tskube.mjs supervisor"],
  ] as const) {
    it(`comes back after kill -9 of ${title}, and containers do not notice`, async () => {
      const containers = (): readonly Container[] =>
        pods("app=nginx").flatMap((pod) => pod.status.containerStatuses ?? []);
      const before = containers();
      const victim = pidOf(pattern);
      process.kill(victim, "SIGKILL");
      await eventually(
        "another process",
        () => bed.try("pgrep", ["-f", pattern]).out,
        (out) => out.trim() !== "" && !out.split("\n").includes(`${victim}`),
      );
      await eventually(
        "an answer",
        () => bed.try("/usr/local/bin/tskubectl", ["get", "nodes"]),
        ({ code, out }) => code === 0 && / Ready /.test(out),
      );
      expect(containers()).toEqual(before);
      expect(tskubectl("exec", "deployment/nginx", "--", "echo", "alive")).toBe("alive\n");
      // Work goes on: a new pod starts.
      apply(busybox(`after-${title.length}`));
      await running(`after-${title.length}`);
    }, 60_000);
  }

  it("runs a manifest that is dropped into its folder, follows edits, and lets it go", async () => {
    const folder = "/etc/tskube/manifests";
    mkdirSync(folder, { recursive: true });
    const file = join(folder, "static.json");
    const manifest = (version: string): string =>
      JSON.stringify({
        ...busybox("static"),
        metadata: { name: "static", labels: { app: "static", version } },
      });
    writeFileSync(file, manifest("1"));
    const mirror = await running("static");
    expect(mirror.metadata.name).toMatch(/^static-/);
    writeFileSync(file, manifest("2"));
    await eventually(
      "the edit",
      () => pods("app=static,version=2"),
      ([pod]) => pod !== undefined && isReady(pod),
    );
    writeFileSync(join(folder, "broken.yaml"), "kind: Pod\n  spec: [");
    rmSync(file);
    await eventually(
      "no static pod",
      () => pods("app=static"),
      (list) => list.length === 0,
    );
    rmSync(join(folder, "broken.yaml"));
  }, 60_000);

  it("tells what is wrong with a manifest", () => {
    expect(refused("kind: Pod\nmetadata:\n  name: [a\n", "apply", "-f", "-")).toMatch(
      /STDIN: line \d+, column \d+/,
    );
    const pod = (over: object): string =>
      JSON.stringify({ apiVersion: "v1", kind: "Pod", metadata: { name: "bad" }, ...over });
    expect(
      refused(pod({ spec: { containers: [{ name: "a", imag: "b" }] } }), "apply", "-f", "-"),
    ).toContain('unknown field "spec.containers[0].imag"');
    expect(refused(pod({ spec: { containers: [{ name: "a" }] } }), "apply", "-f", "-")).toContain(
      "spec.containers[0].image: Required value",
    );
    expect(
      refused(
        pod({
          metadata: { name: "bad", labels: { a: "b c" } },
          spec: { containers: [{ name: "a", image: "b" }] },
        }),
        "apply",
        "-f",
        "-",
      ),
    ).toContain("metadata.labels: Invalid value");
    expect(refused(pod({ spec: { containers: "none" } }), "apply", "-f", "-")).toContain(
      "BadRequest",
    );
  });

  it("tells why a pod does not run", async () => {
    apply(
      busybox("nowhere", {
        container: { image: "127.0.0.1:1/nothing:1", imagePullPolicy: "Always" },
      }),
    );
    await eventually(
      "a pull error",
      () => tskubectl("get", "pod", "nowhere"),
      (text) => /ErrImagePull|ImagePullBackOff/.test(text),
    );
    expect(tskubectl("describe", "pod", "nowhere")).toMatch(
      /Failed to pull image "127\.0\.0\.1:1\/nothing:1".*ECONNREFUSED/s,
    );
    apply(busybox("huge", { container: { resources: { requests: { memory: "1000Gi" } } } }));
    await eventually(
      "an event",
      () => tskubectl("describe", "pod", "huge"),
      (text) =>
        /0\/1 nodes are available: 1 Insufficient memory \(needs 1000Gi, [\d.]+Gi free of/.test(
          text,
        ),
    );
    tskubectl("delete", "pod", "nowhere", "huge", "crasher");
  }, 60_000);

  it.skipIf(kubectl === undefined)(
    "does the same for upstream kubectl",
    () => {
      const client = (...args: string[]): string =>
        bed.run(kubectl ?? "", args, {
          timeoutMs: 60_000,
          env: { KUBECONFIG: "/etc/tskube/admin.conf" },
        });
      expect(client("version")).toContain("Server Version: v1.37");
      expect(client("apply", "-f", join(root, "manifests/nginx.yaml"))).toContain(
        "deployment.apps/nginx",
      );
      expect(client("get", "deploy,svc,pods", "-A", "-o", "wide")).toContain("kube");
      expect(client("describe", "pod", "client")).toContain("Successfully assigned");
      expect(client("logs", "deploy/nginx", "--tail=1")).toContain("GET /");
      expect(client("exec", "client", "--", "echo", "hello")).toBe("hello\n");
      expect(client("explain", "deployment.spec.strategy.rollingUpdate")).toContain("maxSurge");
      client("set", "env", "deploy/nginx", "COLOR=green");
      expect(client("rollout", "status", "deploy/nginx")).toContain("successfully rolled out");
      expect(client("rollout", "history", "deploy/nginx")).toMatch(/REVISION/);
      client("rollout", "undo", "deploy/nginx");
      client("rollout", "status", "deploy/nginx");
      client("delete", "pod", "configured");
      expect(client("auth", "can-i", "create", "pods").trim()).toBe("yes");
    },
    150_000,
  );

  it.skipIf(crictl === undefined)("does the same for upstream crictl on the CRI socket", () => {
    const client = (...args: string[]): string =>
      bed.run(crictl ?? "", ["-r", "unix:///run/tskube/cri.sock", ...args]);
    expect(client("version")).toContain("tskube");
    const [id = ""] = client("ps", "-q", "--name", "nginx").split("\n");
    expect(JSON.parse(client("inspect", id))).toMatchObject({
      status: { state: "CONTAINER_RUNNING" },
    });
    expect(client("exec", id, "echo", "hi")).toBe("hi\n");
    expect(client("pods")).toContain("nginx-");
    expect(client("images")).toContain("nginx");
    expect(client("logs", "--tail", "1", id)).toContain("GET /");
  });

  it("removes everything that it made", () => {
    bed.run(join(root, "hack/down"), [], { timeoutMs: 120_000 });
    expect(traces()).toEqual([]);
    expect(bed.run("nft", ["list", "tables"])).toBe("");
    expect(bed.run("ip", ["-o", "link"])).not.toMatch(/veth|tskube0/);
    expect(existsSync("/run/tskube")).toBe(false);
    expect(
      readdirSync("/run/netns").filter(
        (name) => name !== "tskube-e2e-up" && name.includes("tskube-e2e-up"),
      ),
    ).toEqual([]);
    expect(readFileSync("/proc/self/mountinfo", "utf8")).not.toContain("/run/tskube/");
  }, 150_000);
});
