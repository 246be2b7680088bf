/**
 * Upstream's kube-apiserver on an etcd that is given, on loopback, for tests that hold our server
 * beside it. Only where its program is: KUBE_APISERVER names it.
 */
import { spawn } from "node:child_process";
import { generateKeyPairSync } from "node:crypto";
import { once } from "node:events";
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { request } from "node:https";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { freePort } from "./etcd-server.ts";

export const kubeApiServer = process.env["KUBE_APISERVER"] ?? "";
export const hasKubeApiServer = kubeApiServer !== "" && existsSync(kubeApiServer);

const token = "admin-of-the-test";
const startMsMax = 60_000;

export interface UpstreamAnswer {
  readonly status: number;
  readonly json: unknown;
}

export interface UpstreamApiServer {
  call(method: string, path: string, body?: unknown): Promise<UpstreamAnswer>;
  stop(): Promise<void>;
}

function writeKeys(folder: string): void {
  const { privateKey, publicKey } = generateKeyPairSync("rsa", {
    modulusLength: 2_048,
    privateKeyEncoding: { type: "pkcs1", format: "pem" },
    publicKeyEncoding: { type: "spki", format: "pem" },
  });
  writeFileSync(join(folder, "sa.key"), privateKey);
  writeFileSync(join(folder, "sa.pub"), publicKey);
  writeFileSync(join(folder, "tokens.csv"), `${token},admin,admin,system:masters\n`);
}

const argumentsOf = (folder: string, etcd: string, port: number): readonly string[] => [
  `--etcd-servers=${etcd}`,
  `--secure-port=${port}`,
  "--bind-address=127.0.0.1",
  `--cert-dir=${join(folder, "certs")}`,
  `--token-auth-file=${join(folder, "tokens.csv")}`,
  `--service-account-key-file=${join(folder, "sa.pub")}`,
  `--service-account-signing-key-file=${join(folder, "sa.key")}`,
  "--service-account-issuer=https://kubernetes.default.svc",
  "--service-cluster-ip-range=10.96.0.0/16",
  "--authorization-mode=RBAC",
  "--disable-admission-plugins=ServiceAccount",
  "--endpoint-reconciler-type=none",
];

/** Its certificate is its own: nothing but this test speaks with it, on loopback. */
function call(port: number, method: string, path: string, body?: unknown): Promise<UpstreamAnswer> {
  return new Promise((resolve, reject) => {
    const asked = request(
      {
        host: "127.0.0.1",
        port,
        path,
        method,
        rejectUnauthorized: false,
        headers: { authorization: `Bearer ${token}`, "content-type": "application/json" },
      },
      (response) => {
        const chunks: Buffer[] = [];
        response.on("data", (chunk: Buffer) => chunks.push(chunk));
        response.on("end", () => {
          const text = Buffer.concat(chunks).toString();
          const json: unknown = text.startsWith("{") ? JSON.parse(text) : text;
          resolve({ status: response.statusCode ?? 0, json });
        });
      },
    );
    asked.on("error", reject);
    asked.end(body === undefined ? undefined : JSON.stringify(body));
  });
}

export async function startUpstreamApiServer(etcd: string): Promise<UpstreamApiServer> {
  const folder = mkdtempSync(join(tmpdir(), "tskube-upstream-"));
  writeKeys(folder);
  const port = await freePort();
  const child = spawn(kubeApiServer, argumentsOf(folder, etcd, port), { stdio: "ignore" });
  const gone = once(child, "exit");
  const killWithUs = (): void => void child.kill("SIGKILL");
  process.once("exit", killWithUs);
  const stop = async (): Promise<void> => {
    process.off("exit", killWithUs);
    child.kill("SIGKILL");
    await gone;
    rmSync(folder, { recursive: true, force: true });
  };
  const end = Date.now() + startMsMax;
  for (;;) {
    const ready = await call(port, "GET", "/readyz").catch(() => undefined);
    if (ready?.status === 200) break;
    if (child.exitCode !== null || Date.now() > end) {
      await stop();
      throw new Error("upstream's kube-apiserver did not become ready");
    }
    // It tells nobody when it is ready: only asking helps.
    await sleep(100);
  }
  return { call: (method, path, body) => call(port, method, path, body), stop };
}
