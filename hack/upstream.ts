/**
 * Upstream's programs as judges: where the folder ../shared/upstream is, its `get` builds them.
 * Tests that everybody waits for get kubectl and crictl; the others only when they are built
 * already, or asked for.
 */
import { execFileSync, spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, readFileSync, readdirSync } from "node:fs";
import { homedir } from "node:os";
import { delimiter, join } from "node:path";

const folder = join(import.meta.dirname, "../../shared/upstream");
const cache = join(process.env["XDG_CACHE_HOME"] ?? join(homedir(), ".cache"), "tskube-upstream");
/** Older clients that a machine may have, beside the pinned one. */
const otherClients = "/usr/lib/google-cloud-sdk/bin";

const modules: Readonly<Record<string, string>> = {
  kubectl: "kubernetes",
  kubeadm: "kubernetes",
  "kube-apiserver": "kubernetes",
  crictl: "cri-tools",
  critest: "cri-tools",
  "e2e.test": "kubernetes",
  agnhost: "kubernetes",
  etcd: "etcd",
};

/** Where `get` keeps what it built: named after the pinned versions. */
function builtPath(name: string): string | undefined {
  const module = modules[name];
  if (module === undefined || !existsSync(join(folder, module))) return undefined;
  const pin = createHash("sha256");
  for (const file of ["go.mod", "go.sum"]) pin.update(readFileSync(join(folder, module, file)));
  const path = join(cache, `${module}-${pin.digest("hex").slice(0, 12)}`, name);
  return existsSync(path) ? path : undefined;
}

/** Its path; built when it is not there and may be. Undefined: neither built nor to be built. */
export function upstreamProgram(name: string, mayBuild: boolean): string | undefined {
  const built = builtPath(name);
  if (built !== undefined || !mayBuild || !existsSync(join(folder, "get"))) return built;
  if (spawnSync("go", ["version"], { stdio: "ignore" }).status !== 0) return undefined;
  console.log(`building upstream's ${name}; the first time takes minutes`);
  return execFileSync(join(folder, "get"), [name], {
    encoding: "utf8",
    stdio: ["ignore", "pipe", "inherit"],
  }).trim();
}

/** kubectl 1.27 and 1.33, where found: the oldest and the newest of those that are older. */
const olderKubectls = (): readonly string[] =>
  existsSync(otherClients)
    ? readdirSync(otherClients)
        .filter((name) => /^kubectl\.1\.(27|33)$/.test(name))
        .map((name) => join(otherClients, name))
    : [];

/** The environment in which tests find their judges. */
export function upstreamEnvironment(withSlowOnes: boolean): Record<string, string> {
  const found: Record<string, string | undefined> = {
    KUBECTL: [upstreamProgram("kubectl", true), ...olderKubectls()]
      .filter((path) => path !== undefined)
      .join(delimiter),
    CRICTL: upstreamProgram("crictl", true),
    TSKUBE_CRICTL: upstreamProgram("crictl", true),
    KUBE_APISERVER: upstreamProgram("kube-apiserver", withSlowOnes),
  };
  const entries = Object.entries(found).filter(
    (entry): entry is [string, string] => entry[1] !== undefined && entry[1] !== "",
  );
  return Object.fromEntries(entries);
}
