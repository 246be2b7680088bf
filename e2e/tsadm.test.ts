import { execFileSync, spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import {
  makeMachines,
  outsideWords,
  removeMachines,
  removeOrphanedMachines,
  setLink,
  tryIn,
  type Machine,
  type Machines,
} from "./machines.ts";
import { eventually, root, upstreamProgram } from "./test-bed.ts";

const isThere = (program: string): boolean =>
  spawnSync("sh", ["-c", `command -v ${program}`], { stdio: "ignore" }).status === 0;
const missing = ["unshare", "nsenter", "ip", "nft", "etcd"].filter((name) => !isThere(name));
const reason =
  process.getuid?.() !== 0
    ? "machines need root"
    : missing.length > 0
      ? `not installed: ${missing.join(", ")}`
      : undefined;
if (reason !== undefined) console.log(`skipped: tsadm on machines: ${reason}`);

/** Several runs may be on one host. */
const setName = `e2e-${process.pid}`;
const image = "localhost/tskube:v1.37.0";
const commandMs = 120_000;

interface Outcome {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}
interface List<T> {
  readonly items: readonly T[];
}
interface Named {
  readonly metadata: { readonly name: string; readonly uid: string };
  readonly status?: {
    readonly phase?: string;
    readonly conditions?: readonly { readonly type: string; readonly status: string }[];
  };
}

describe.skipIf(reason !== undefined)("two machines, one cluster, by tsadm", () => {
  const dist = mkdtempSync(join(tmpdir(), "tskube-tsadm-"));
  let set: Machines;
  let joinWords: readonly string[] = [];
  const [first, second] = [() => machine(0), () => machine(1)];

  const machine = (at: number): Machine => {
    const found = set.machines[at];
    if (found === undefined) throw new Error(`there is no machine ${at}`);
    return found;
  };
  const on = (where: Machine, words: readonly string[]): Outcome => {
    const { status, stdout, stderr } = tryIn(where, words, commandMs);
    return { code: status ?? -1, out: stdout, err: stderr };
  };
  const node = [process.execPath, "--disable-warning=ExperimentalWarning"];
  const tsadm = (where: Machine, ...words: readonly string[]): Outcome =>
    on(where, [...node, join(dist, "tsadm.mjs"), ...words]);
  const kubectl = (...words: readonly string[]): string => {
    const upstream = upstreamProgram("kubectl");
    const program = upstream === undefined ? [...node, join(dist, "tskubectl.mjs")] : [upstream];
    const config = "KUBECONFIG=/etc/tskube/admin.conf";
    const { code, out, err } = on(first(), ["env", config, ...program, ...words]);
    if (code !== 0) throw new Error(`kubectl ${words.join(" ")}: ${err}`);
    return out;
  };
  const items = (...words: readonly string[]): readonly Named[] =>
    (JSON.parse(kubectl("get", ...words, "-o", "json")) as List<Named>).items;
  const isReady = ({ status }: Named): boolean =>
    status?.conditions?.some((one) => one.type === "Ready" && one.status === "True") === true;
  const tryOr = (ask: () => string): string => {
    try {
      return ask();
    } catch (error) {
      return String(error);
    }
  };
  const apply = (object: object): void => {
    const text = JSON.stringify(object).replaceAll("'", "\\u0027");
    const file = "/run/e2e.json";
    const { code, err } = on(first(), ["sh", "-c", `printf '%s' '${text}' > ${file}`]);
    if (code !== 0) throw new Error(err);
    kubectl("apply", "-f", file);
  };

  beforeAll(async () => {
    execFileSync(process.execPath, [join(root, "hack/build.ts"), "--out", dist], {
      stdio: ["ignore", "ignore", "pipe"],
    });
    await removeOrphanedMachines("e2e-");
    set = await makeMachines(setName, 2);
  });
  afterAll(async () => {
    await removeMachines(setName);
    rmSync(dist, { recursive: true, force: true });
  });

  it("tells everything that is wrong at once, and writes nothing", () => {
    const flags = ["--node-name", "Bad_Name", "--apiserver-advertise-address", "10.99.0.1"];
    const { code, err } = tsadm(first(), "init", ...flags);
    expect(code).toBe(1);
    expect(err).toContain("[ERROR Hostname]");
    expect(err).toContain("[ERROR Address]");
    expect(on(first(), ["ls", "-A", "/etc/tskube"]).code).not.toBe(0);
  });

  it("says what it would do, and does nothing", () => {
    const { code, out } = tsadm(first(), "init", "--dry-run");
    expect(code).toBe(0);
    expect(out).toContain("[etcd] would write /etc/tskube/manifests/etcd.yaml");
    expect(on(first(), ["ls", "-A", "/etc/tskube"]).code).not.toBe(0);
  });

  it("starts a control plane of static pods", async () => {
    const { code, out, err } = tsadm(first(), "init");
    expect(err).toBe("");
    expect(code).toBe(0);
    const line = out.split("\n").find((one) => one.startsWith("tsadm join ")) ?? "";
    joinWords = line.split(" ").slice(1);
    const pods = await eventually(
      "the control plane to be ready",
      () => items("pods", "-n", "kube-system"),
      (all) => all.length >= 6 && all.every(isReady),
      60_000,
    );
    const names = pods.map(({ metadata }) => metadata.name);
    for (const part of ["etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler"]) {
      expect(names).toContain(`${part}-machine-1`);
    }
    expect(on(first(), ["stat", "-c", "%a", "/etc/tskube/pki/ca.key"]).out.trim()).toBe("600");
  });

  it("does not join a cluster that is not the right one, and leaves nothing behind", () => {
    const change = (from: RegExp, to: string): readonly string[] =>
      joinWords.map((word) => word.replace(from, to));
    for (const [words, because] of [
      [change(/sha256:.{4}/, "sha256:0000"), "nothing was sent to it"],
      [change(/^[a-z0-9]{6}\./, "aaaaaa."), "tsadm token create"],
      [change(/\.[a-z0-9]{16}$/, ".aaaaaaaaaaaaaaaa"), "copy the join command anew"],
      [change(/^10\.31\.0\.11:/, "10.31.0.99:"), "no cluster answers at 10.31.0.99:6443"],
      [[...joinWords, "--node-name", "machine-1"], "has a node machine-1 already"],
    ] as const) {
      const { code, err } = tsadm(second(), ...words);
      expect(err).toContain(because);
      expect(code).toBe(1);
      expect(on(second(), ["find", "/etc/tskube", "-type", "f"]).out).toBe("");
    }
  });

  it("lets a machine join, once", async () => {
    const { code, err } = tsadm(second(), ...joinWords);
    expect(err).toBe("");
    expect(code).toBe(0);
    const nodes = items("nodes");
    expect(nodes.map(({ metadata }) => metadata.name)).toEqual(["machine-1", "machine-2"]);
    expect(nodes.every(isReady)).toBe(true);
    const again = tsadm(second(), ...joinWords);
    expect(again.code).toBe(1);
    expect(again.err).toContain("run tsadm reset");
  });

  const serve = `require("http").createServer((q,s)=>s.end(require("os").hostname())).listen(8080)`;
  const pod = (name: string, nodeName: string): object => ({
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name, labels: { app: "web" } },
    spec: {
      nodeName,
      terminationGracePeriodSeconds: 0,
      tolerations: [{ operator: "Exists" }],
      containers: [{ name: "main", image, command: ["node", "-e", serve] }],
    },
  });

  it("connects pods, Services and names of both machines", async () => {
    apply({
      apiVersion: "v1",
      kind: "List",
      items: [pod("web-1", "machine-1"), pod("web-2", "machine-2")],
    });
    const ports = [{ port: 80, targetPort: 8080, nodePort: 30_080 }];
    const spec = { type: "NodePort", selector: { app: "web" }, ports };
    apply({ apiVersion: "v1", kind: "Service", metadata: { name: "web" }, spec });
    const ready = () => items("pods", "-l", "app=web").filter(isReady);
    await eventually("both pods", ready, ({ length }) => length === 2, 60_000);
    const ask = `fetch("http://web").then(r=>r.text()).then(t=>console.log(t))`;
    for (const from of ["web-1", "web-2"]) {
      const seen = new Set<string>();
      const see = (): ReadonlySet<string> =>
        seen.add(kubectl("exec", from, "--", "node", "-e", ask).trim());
      await eventually(`${from} to reach both`, see, ({ size }) => size === 2, 60_000);
    }
    for (const { address } of set.machines) {
      const words = outsideWords(set, ["curl", "-sm", "5", `http://${address}:30080`]);
      const [program = "", ...rest] = words;
      const answer = () => spawnSync(program, rest, { encoding: "utf8" }).stdout;
      await eventually(`the node port of ${address}`, answer, (text) => /^web-[12]$/.test(text));
    }
  });

  it("keeps a node's credential to its own", () => {
    apply({ apiVersion: "v1", kind: "Secret", metadata: { name: "mine" }, stringData: { a: "b" } });
    const asNode = (...words: readonly string[]): Outcome => {
      const upstream = upstreamProgram("kubectl");
      const program = upstream === undefined ? [...node, join(dist, "tskubectl.mjs")] : [upstream];
      return on(second(), ["env", "KUBECONFIG=/etc/tskube/kubelet.conf", ...program, ...words]);
    };
    expect(asNode("get", "secret", "mine").err).toContain("forbidden");
    expect(asNode("label", "node", "machine-1", "a=b").err).toContain("forbidden");
    expect(asNode("get", "node", "machine-2").code).toBe(0);
  });

  it("goes on without a node that is cut off, and takes it back", async () => {
    const ready = () => items("nodes").filter(isReady);
    const ask = (): string => {
      const url = `http://${first().address}:30080`;
      const [program = "", ...rest] = outsideWords(set, ["curl", "-sm", "2", url]);
      return spawnSync(program, rest, { encoding: "utf8" }).stdout;
    };
    setLink(set, 2, "down");
    try {
      await eventually("the node to be given up", ready, ({ length }) => length === 1, 90_000);
      await eventually("its endpoints to be gone", ask, (answer) => answer === "web-1");
      for (let times = 0; times < 10; times++) expect(ask()).toBe("web-1");
    } finally {
      setLink(set, 2, "up");
    }
    await eventually("the node to be back", ready, ({ length }) => length === 2, 60_000);
    await eventually("its pod to serve again", ask, (answer) => answer === "web-2", 60_000);
  });

  it("starts a node's process again when it is killed, and its pods go on", async () => {
    const pidOf = (): string => {
      const { out } = on(second(), ["cat", "/run/tskube/up.json"]);
      return String((JSON.parse(out) as { readonly pid: number }).pid);
    };
    const before = pidOf();
    const containers = (): string =>
      kubectl("get", "pod", "web-2", "-o", "jsonpath={.status.containerStatuses[0].containerID}");
    const container = containers();
    expect(on(second(), ["kill", "-9", before]).code).toBe(0);
    await eventually("another process", pidOf, (pid) => pid !== before);
    const hello = (): string => kubectl("exec", "web-2", "--", "node", "-p", "`hello`");
    await eventually(
      "exec",
      () => tryOr(hello),
      (text) => text === "hello\n",
      60_000,
    );
    expect(containers()).toBe(container);
  });

  it("restarts what a manifest changes, and stops what it no longer names", async () => {
    const file = "/etc/tskube/manifests/kube-scheduler.yaml";
    const schedulers = () =>
      items("pods", "-n", "kube-system", "-l", "component=kube-scheduler").filter(isReady);
    const [before] = schedulers();
    const flag = "s/--leader-elect=true/&\\n        - --log-level=debug/";
    on(first(), ["sed", "-i", flag, file]);
    await eventually(
      "another scheduler",
      schedulers,
      ([now]) => now !== undefined && now.metadata.uid !== before?.metadata.uid,
      60_000,
    );
    on(first(), ["rm", file]);
    await eventually("no scheduler", schedulers, ({ length }) => length === 0, 60_000);
    expect(tsadm(first(), "init", "phase", "control-plane").code).toBe(0);
    await eventually("a scheduler", schedulers, ({ length }) => length === 1, 60_000);
  });

  it("makes, lists and ends tokens, and knows its certificates", () => {
    const made = tsadm(first(), "token", "create", "--print-join-command").out;
    expect(made).toMatch(
      /^tsadm join 10\.31\.0\.11:6443 --token \S+ --discovery-\S+ sha256:\S+\n$/,
    );
    const [id = ""] = made.split(" ")[4]?.split(".") ?? [];
    expect(tsadm(first(), "token", "list").out).toContain(id);
    expect(tsadm(first(), "token", "delete", id).code).toBe(0);
    expect(tsadm(first(), "token", "list").out).not.toContain(id);
    expect(tsadm(first(), "certs", "check-expiration").out).toMatch(/apiserver\s.*364d/);
  });

  it("leaves nothing on a machine that it is reset on", () => {
    expect(tsadm(second(), "reset", "--force").code).toBe(0);
    const look = (...words: readonly string[]): string => on(second(), words).out.trim();
    expect(look("sh", "-c", "find /etc/tskube /var/lib/tskube /run/tskube -type f")).toBe("");
    expect(look("nft", "list", "tables")).toBe("");
    expect(look("sh", "-c", "ip -o link | grep -c -e tskube -e veth")).toBe("0");
    expect(look("sh", "-c", "ip route | grep -c 10.244")).toBe("0");
    expect(look("sh", "-c", "find /sys/fs/cgroup -path '*/tskube/*' | wc -l")).toBe("0");
    expect(look("sh", "-c", "ps -eo args | grep -c '[/]tskube.mjs'")).toBe("0");
  });
});
