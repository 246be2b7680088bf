/**
 * A real etcd on loopback, in a temporary folder, for integration tests. It ends with `stop`, or
 * with the test process.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";

/** Where Debian's package puts it. TSKUBE_ETCD names another one. */
export const etcdBinary = process.env["TSKUBE_ETCD"] ?? "/usr/bin/etcd";
export const hasEtcd = existsSync(etcdBinary);

export interface EtcdServerOptions {
  readonly binary?: string;
  /** Files in PEM: then it serves TLS only, and wants a certificate of the authority from clients. */
  readonly tls?: { readonly ca: string; readonly cert: string; readonly key: string };
}

export interface EtcdServer {
  /** "http://127.0.0.1:23790", or https where it has certificates. */
  readonly endpoint: string;
  readonly pid: number;
  /** Ends the process with SIGKILL, keeps its data, and resolves when it is gone. */
  kill(): Promise<void>;
  /** Starts it again on the same port and data. */
  restart(): Promise<void>;
  /** Ends the process and removes its data. */
  stop(): Promise<void>;
}

export async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  server.close();
  await once(server, "close");
  if (address === null || typeof address === "string") throw new Error("no port");
  return address.port;
}

function argumentsOf(folder: string, urls: { client: string; peer: string }): readonly string[] {
  return [
    ["--data-dir", join(folder, "data")],
    ["--listen-client-urls", urls.client],
    ["--advertise-client-urls", urls.client],
    ["--listen-peer-urls", urls.peer],
    ["--initial-advertise-peer-urls", urls.peer],
    ["--initial-cluster", `default=${urls.peer}`],
  ].flat();
}

/** Resolves when it serves; rejects with its last words when it ends before that. */
async function run(binary: string, args: readonly string[]): Promise<ChildProcess> {
  const child = spawn(binary, args, { stdio: ["ignore", "ignore", "pipe"] });
  const words: string[] = [];
  await new Promise<void>((resolve, reject) => {
    createInterface({ input: child.stderr }).on("line", (line) => {
      words.push(line);
      if (line.includes("ready to serve client requests")) resolve();
    });
    child.once("error", reject);
    child.once("exit", () => reject(new Error(`etcd ended: ${words.slice(-3).join("\n")}`)));
  });
  return child;
}

async function end(child: ChildProcess, signal: NodeJS.Signals): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const gone = once(child, "exit");
  child.kill(signal);
  await gone;
}

export async function startEtcd(options: EtcdServerOptions = {}): Promise<EtcdServer> {
  const { binary = etcdBinary, tls } = options;
  const folder = mkdtempSync(join(tmpdir(), "tskube-etcd-"));
  const scheme = tls === undefined ? "http" : "https";
  const client = `${scheme}://127.0.0.1:${await freePort()}`;
  const peer = `http://127.0.0.1:${await freePort()}`;
  const secure =
    tls === undefined
      ? []
      : ["--client-cert-auth", "--trusted-ca-file", tls.ca, "--cert-file", tls.cert].concat([
          "--key-file",
          tls.key,
        ]);
  const args = [...argumentsOf(folder, { client, peer }), ...secure];
  let child = await run(binary, args);
  const killWithUs = (): void => void child.kill("SIGKILL");
  process.once("exit", killWithUs);
  return {
    endpoint: client,
    get pid() {
      return child.pid ?? 0;
    },
    kill: () => end(child, "SIGKILL"),
    restart: async () => {
      child = await run(binary, args);
    },
    stop: async () => {
      process.off("exit", killWithUs);
      await end(child, "SIGKILL");
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
