import { execFileSync } from "node:child_process";
import { closeSync, existsSync, mkdtempSync, openSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { eventually, root, TestBed } from "./test-bed.ts";

const reason = process.getuid?.() === 0 ? undefined : "containers need root";
if (reason !== undefined) console.log(`skipped: the guestbook: ${reason}`);

const example = join(root, "manifests/examples/guestbook");
const quiet = "--disable-warning=ExperimentalWarning";

interface Pod {
  readonly metadata: { readonly name: string; readonly deletionTimestamp?: string };
  readonly status: {
    readonly podIP?: string;
    readonly containerStatuses?: readonly { readonly restartCount: number }[];
    readonly conditions?: readonly { readonly type: string; readonly status: string }[];
  };
}

/** A cluster with folders and network of its own: it may run beside another one. */
describe.skipIf(reason !== undefined)("manifests/examples/guestbook", () => {
  const folder = mkdtempSync(join(tmpdir(), "guestbook-e2e-"));
  const folders = Object.entries({ config: "etc", data: "data", run: "run" }).map(
    ([flag, name]) => `--${flag}-dir=${join(folder, name)}`,
  );
  const tskube = (command: string): string[] => [
    quiet,
    join(root, "cmd/tskube/main.ts"),
    command,
    ...folders,
  ];
  const client = [quiet, join(root, "cmd/tskubectl/main.ts")];
  const env = { KUBECONFIG: join(folder, "etc/admin.conf") };
  let bed: TestBed;
  let log: number;

  const tskubectl = (...args: string[]): string =>
    bed.run(process.execPath, [...client, ...args], { env, timeoutMs: 120_000 });
  const pods = (tier: string): readonly Pod[] =>
    (
      JSON.parse(tskubectl("get", "pods", "-l", `app=guestbook,tier=${tier}`, "-o", "json")) as {
        items: Pod[];
      }
    ).items;
  const ready = (tier: string): readonly Pod[] =>
    pods(tier).filter(
      ({ metadata, status }) =>
        metadata.deletionTimestamp === undefined &&
        status.conditions?.some((at) => at.type === "Ready" && at.status === "True") === true,
    );
  const nodePort = "http://172.31.255.1:30080";
  const curl = (...args: string[]): string => bed.run("curl", ["-sS", "-m", "10", ...args]);
  const status = (url: string, ...args: string[]): string =>
    curl("-o", "/dev/null", "-w", "%{http_code} %{redirect_url}", ...args, url);
  const post = (...entry: string[]): string =>
    status(`${nodePort}/cgi-bin/index.cgi`, "--data-urlencode", `entry=${entry.join("\n")}`);
  const entries = (page: string): readonly string[] =>
    [...page.matchAll(/<li>(.*)<\/li>/g)].map(([, entry = ""]) => entry);
  /** As a pod asks: by the Service's name. */
  const byName = (): string =>
    tskubectl("exec", "deployment/guestbook-store", "--", ...wget, "http://guestbook-web/");
  const wget = ["timeout", "10", "wget", "-q", "-O", "-"];

  beforeAll(async () => {
    bed = new TestBed("guestbook-e2e");
    log = openSync(join(folder, "log"), "w");
    bed.start(process.execPath, [...tskube("up"), "--node-name=n1"], log);
    await eventually(
      "the node is ready",
      () => bed.try(process.execPath, [...client, "get", "nodes"], { env }).out,
      (text) => / Ready /.test(text),
      60_000,
    );
    // As README.md says: into the store of a node that runs. The bed's own network leads nowhere.
    const images = ["redis", "guestbook", `--data-dir=${join(folder, "data")}`];
    execFileSync(process.execPath, [quiet, join(root, "hack/ensure-image.ts"), ...images], {
      stdio: "inherit",
      timeout: 300_000,
    });
  }, 400_000);

  afterAll(() => {
    // Another cluster's logs are in the same folder: ours went with our pods.
    const down = [...tskube("down"), `--pod-logs=${join(folder, "pods")}`];
    bed.run(process.execPath, down, { timeoutMs: 120_000 });
    bed[Symbol.dispose]();
    closeSync(log);
    rmSync(folder, { recursive: true, force: true });
  });

  it("starts, the front end when it can read the store", () => {
    tskubectl("apply", "-f", example);
    for (const name of ["store", "web"]) {
      const printed = tskubectl("rollout", "status", `deployment/guestbook-${name}`);
      expect(printed).toContain("successfully rolled out");
    }
    expect(ready("web")).toHaveLength(2);
    expect(ready("store")).toHaveLength(1);
    // A second time changes nothing. What kubectl says of a Secret: stringData is never read back.
    const again = tskubectl("apply", "-f", example).replace("secret/guestbook configured", "");
    expect(again).not.toMatch(/created|configured/);
  });

  it("shows the ConfigMap's page through the NodePort", () => {
    const address = "jsonpath={.items[0].status.addresses[0].address}";
    expect(`http://${tskubectl("get", "nodes", "-o", address)}:30080`).toBe(nodePort);
    const page = curl(`${nodePort}/`);
    expect(page).toContain("<title>Guestbook</title>");
    const names = pods("web").map(({ metadata }) => metadata.name);
    expect(names).toContain(/Written by pod (\S+)\./.exec(page)?.[1]);
    expect(entries(page)).toEqual([]);
  });

  it("keeps what was posted through the NodePort, and shows it everywhere", () => {
    expect(post("hello from outside")).toBe(`303 ${nodePort}/`);
    expect(post("<b>&", "naïve + 100 %")).toBe(`303 ${nodePort}/`);
    const kept = ["hello from outside", "&lt;b&gt;&amp; naïve + 100 %"];
    expect(entries(curl(`${nodePort}/`))).toEqual(kept);
    expect(entries(byName())).toEqual(kept);
    for (const { status: at } of ready("web")) {
      expect(entries(curl(`http://${at.podIP}:8080/`))).toEqual(kept);
    }
  });

  it("refuses what is no entry", () => {
    const url = `${nodePort}/cgi-bin/index.cgi`;
    expect(status(url, "-d", "other=field")).toMatch(/^400/);
    expect(status(url, "-d", `entry=${"x".repeat(5_000)}`)).toMatch(/^413/);
    expect(entries(curl(`${nodePort}/`))).toHaveLength(2);
  });

  it("lets nobody at the store without the Secret's password", () => {
    const ask = (...environment: string[]): string =>
      tskubectl(
        "exec",
        "deployment/guestbook-web",
        "--",
        "env",
        ...environment,
        "redis-cli",
        "-h",
        "guestbook-store",
        "LLEN",
        "entries",
      );
    expect(ask().trim()).toBe("2");
    expect(ask("-u", "REDISCLI_AUTH")).toContain("NOAUTH");
    const words = tskubectl("exec", "deployment/guestbook-store", "--", "cat", "/proc/1/cmdline");
    expect(words).toContain("redis-server");
    expect(words).not.toContain("open-sesame");
  });

  it("shows the entries after a front-end pod was deleted", async () => {
    const [victim] = ready("web");
    tskubectl("delete", "pod", victim?.metadata.name ?? "");
    expect(entries(curl(`${nodePort}/`))).toHaveLength(2);
    const now = await eventually(
      "two front ends",
      () => ready("web"),
      (list) => list.length === 2,
    );
    expect(now.map(({ metadata }) => metadata.name)).not.toContain(victim?.metadata.name);
    for (const { status: at } of now) {
      expect(entries(curl(`http://${at.podIP}:8080/`))).toHaveLength(2);
    }
  });

  it("keeps the entries when the store's container is killed", async () => {
    const shutdown = "REDISCLI_AUTH=$(cat /etc/guestbook/password) redis-cli SHUTDOWN";
    const words = ["exec", "deployment/guestbook-store", "--", "sh", "-c", shutdown];
    // The container's first process takes the shell with it, where that has not ended before.
    expect([0, 137]).toContain(bed.try(process.execPath, [...client, ...words], { env }).code);
    await eventually(
      "a restart",
      () => pods("store")[0]?.status.containerStatuses?.[0]?.restartCount,
      (count) => count === 1,
    );
    const page = await eventually(
      "an answer",
      () => bed.try("curl", ["-sS", "-m", "10", `${nodePort}/`]).out,
      (text) => text.includes("<ul>"),
    );
    expect(entries(page)).toHaveLength(2);
  });

  it("follows edits of the page, without a restart", async () => {
    const page = { data: { "page.html": "<p>another page</p>\n" } };
    tskubectl("patch", "configmap", "guestbook", "-p", JSON.stringify(page));
    const pages = (): readonly string[] =>
      ready("web").map(({ status: at }) => curl(`http://${at.podIP}:8080/`));
    const another = (list: readonly string[]): boolean =>
      list.every((text) => text === "<p>another page</p>\n");
    expect(await eventually("another page", pages, another, 120_000)).toHaveLength(2);
    tskubectl("apply", "-f", example);
    await eventually(
      "the page again",
      pages,
      (list) => !list.some((text) => another([text])),
      120_000,
    );
  });

  it("takes no visitors while there is no store", async () => {
    const scale = (replicas: number): string =>
      tskubectl("scale", "deployment", "guestbook-store", `--replicas=${replicas}`);
    scale(0);
    await eventually(
      "no front end is Ready",
      () => ready("web"),
      (list) => list.length === 0,
      40_000,
    );
    expect(bed.try("curl", ["-s", "-m", "10", `${nodePort}/`]).code).not.toBe(0);
    scale(1);
    const page = await eventually(
      "an answer",
      () => bed.try("curl", ["-sS", "-m", "10", `${nodePort}/`]).out,
      (text) => text.includes("<ul>"),
      40_000,
    );
    expect(entries(page)).toEqual([]);
  });

  it("goes without a trace", async () => {
    tskubectl("delete", "-f", example);
    await eventually(
      "no pods",
      () => [...pods("web"), ...pods("store")],
      (list) => list.length === 0,
      40_000,
    );
    expect(bed.try("curl", ["-s", "-m", "5", `${nodePort}/`]).code).not.toBe(0);
    const logs = (): readonly string[] =>
      existsSync("/var/log/pods")
        ? readdirSync("/var/log/pods").filter((name) => name.startsWith("default_guestbook-"))
        : [];
    await eventually("no logs", logs, (names) => names.length === 0);
  });
});
