import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { CertificateSigningRequest } from "../../api/certificates/v1.ts";
import { nodes } from "../../api/resources.ts";
import type { Clock } from "../../pkg/base/clock.ts";
import { systemClock } from "../../pkg/base/system-clock.ts";
import { systemRandom } from "../../pkg/base/system-random.ts";
import type { Handler } from "../../pkg/base/wire.ts";
import { createAuthority, type CertificateAndKey } from "../../pkg/pki/authority.ts";
import { readCertificate } from "../../pkg/pki/certificate.ts";
import { currentPath, kubeletCertificate } from "../../pkg/pki/certificate-file.ts";
import { parseSigningRequest } from "../../pkg/pki/certificate-signing-request.ts";
import { kubeConfig, kubeConfigText } from "../../pkg/pki/kubeconfig.ts";
import { startServer } from "../../pkg/serving/server.ts";
import type { RunningServer } from "../../pkg/serving/server-contract.ts";
import { silentLogger } from "../../pkg/telemetry/logger.ts";
import { keepServingCertificate, openNodeAccess } from "./node-certificates.ts";

const hour = 3_600_000;
const ago = (ms: number): Clock => ({ ...systemClock, now: () => systemClock.now() - ms });
const doors = { clock: systemClock, random: systemRandom, logger: silentLogger };
const before = { clock: ago(24 * hour), random: systemRandom };
const authority = createAuthority({ commonName: "kubernetes", validForMs: 100 * hour }, before);
const subject = { commonName: "system:node:n1", organizations: ["system:nodes"] };

/** A node's certificate that was made some hours ago, to last for ten. */
const madeAgo = (hours: number): CertificateAndKey =>
  authority.issue(
    { subject, usages: ["client auth"], validForMs: 10 * hour },
    { clock: ago(hours * hour), random: systemRandom },
  );

/** Who asked for what, in order: the serial end of a certificate, or a token. */
const asked: string[] = [];
const requests = new Map<string, CertificateSigningRequest>();
const json = (status: number, value: unknown) => ({
  status,
  headers: { "content-type": "application/json" },
  body: new TextEncoder().encode(JSON.stringify(value)),
});

/** As much of an API server as a node needs for its certificates: it signs whatever it is asked. */
const handler: Handler = async ({ method, path, body, peer, headers }) => {
  const [, name = ""] = /certificatesigningrequests\/([^?]+)/.exec(path) ?? [];
  const who = headers["authorization"] ?? peer.certificate?.commonName ?? "nobody";
  if (method === "POST") {
    asked.push(`${who} asks`);
    const request = JSON.parse(new TextDecoder().decode(body)) as CertificateSigningRequest;
    requests.set(request.metadata?.name ?? "", request);
    return json(201, request);
  }
  if (path.includes("/nodes/n1")) {
    asked.push(`${who} reads ${peer.certificate === undefined ? "nothing" : "the node"}`);
    const addresses = [{ type: "InternalIP", address: "10.0.0.1" }];
    return json(200, { kind: "Node", apiVersion: "v1", status: { addresses } });
  }
  const request = requests.get(name);
  const read = parseSigningRequest(atob(request?.spec.request ?? ""));
  const isServing = request?.spec.signerName === "kubernetes.io/kubelet-serving";
  const usages = [isServing ? ("server auth" as const) : ("client auth" as const)];
  const certificate = authority.sign({ ...read, usages, validForMs: 10 * hour }, doors);
  return json(200, { ...request, status: { certificate: btoa(certificate) } });
};

describe("a node's certificates", () => {
  let folder = "";
  let server: RunningServer;
  let stop: AbortController;
  beforeAll(async () => {
    const tls = authority.issue(
      {
        subject: { commonName: "api" },
        names: ["127.0.0.1"],
        usages: ["server auth"],
        validForMs: hour,
      },
      doors,
    );
    server = await startServer({
      tls: { ...tls, clientAuthorities: authority.certificate },
      address: "127.0.0.1",
      port: 0,
      handler,
      bodyBytesMax: 100_000,
    });
  });
  afterAll(async () => {
    await server.close();
  });
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), "tskube-node-certificates-"));
    asked.length = 0;
    stop = new AbortController();
    return async () => {
      stop.abort();
      await rm(folder, { recursive: true });
    };
  });

  const options = () => ({
    configFolder: folder,
    dataFolder: join(folder, "data"),
    nodeName: "n1",
    nodeAddress: "10.0.0.1",
  });
  const writeConfig = (credential: CertificateAndKey): Promise<void> =>
    writeFile(
      join(folder, "kubelet.conf"),
      kubeConfigText(
        kubeConfig({
          cluster: "kubernetes",
          server: `https://127.0.0.1:${server.port}`,
          authority: authority.certificate,
          user: "system:node:n1",
          credential,
        }),
      ),
    );
  const isRenewed = async (): Promise<boolean> => {
    const text = await readFile(join(folder, "kubelet.conf"), "utf8");
    return text.includes(currentPath(kubeletCertificate(join(folder, "data"), "kubelet-client")));
  };
  const eventually = async (what: () => Promise<boolean>): Promise<void> => {
    for (const until = systemClock.now() + 10_000; !(await what()); await systemClock.sleep(10)) {
      if (systemClock.now() > until) throw new Error(`never came: ${asked.join("; ")}`);
    }
  };

  it("are renewed while they are in use: kubelet.conf and connections follow", async () => {
    await writeConfig(madeAgo(9));
    const access = await openNodeAccess(options(), doors, stop.signal);
    const node = () => access.client.resource(nodes).get({ name: "n1" });
    await node();
    const kept = access.keep();
    await eventually(isRenewed);
    await node();
    expect(asked).toEqual([
      "system:node:n1 reads the node",
      "system:node:n1 asks",
      "system:node:n1 reads the node",
    ]);
    // Whoever starts again finds it, and asks for nothing.
    stop.abort();
    await kept;
    stop = new AbortController();
    const again = await openNodeAccess(options(), doors, stop.signal);
    await again.client.resource(nodes).get({ name: "n1" });
    expect(asked.at(-1)).toBe("system:node:n1 reads the node");
    const file = currentPath(kubeletCertificate(join(folder, "data"), "kubelet-client"));
    const { notAfterMs } = readCertificate(await readFile(file, "utf8"));
    expect(notAfterMs).toBeGreaterThan(systemClock.now() + 9 * hour);
  });

  it("that have ended are asked for with a bootstrap token, where there is one", async () => {
    await writeConfig(madeAgo(11));
    const bootstrap = {
      apiVersion: "v1",
      kind: "Config",
      clusters: [
        {
          name: "c",
          cluster: {
            server: `https://127.0.0.1:${server.port}`,
            "certificate-authority-data": btoa(authority.certificate),
          },
        },
      ],
      users: [{ name: "u", user: { token: "abcdef.0123456789abcdef" } }],
      contexts: [{ name: "x", context: { cluster: "c", user: "u" } }],
      "current-context": "x",
    };
    await writeFile(join(folder, "bootstrap-kubelet.conf"), JSON.stringify(bootstrap));
    const access = await openNodeAccess(options(), doors, stop.signal);
    const kept = access.keep();
    await eventually(isRenewed);
    expect(asked).toEqual(["Bearer abcdef.0123456789abcdef asks"]);
    stop.abort();
    await kept;
  });

  it("for serving are asked for when the cluster knows the node's address", async () => {
    await writeConfig(madeAgo(1));
    const access = await openNodeAccess(options(), doors, stop.signal);
    const used: string[][] = [];
    const use = async ({ certificate }: CertificateAndKey): Promise<void> =>
      void used.push([...readCertificate(certificate).names]);
    const kept = keepServingCertificate(options(), access, use, stop.signal);
    await eventually(async () => used.length > 0);
    expect(used).toEqual([["n1", "10.0.0.1"]]);
    expect(asked).toEqual(["system:node:n1 reads the node", "system:node:n1 asks"]);
    stop.abort();
    await kept;
  });
});
