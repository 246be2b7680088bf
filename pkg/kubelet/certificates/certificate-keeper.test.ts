import { describe, expect, it } from "vitest";
import type { CertificateSigningRequest } from "../../../api/certificates/v1.ts";
import { seededRandom } from "../../base/random.ts";
import { systemRandom } from "../../base/system-random.ts";
import type { Client } from "../../client/client.ts";
import { SimulatedClock } from "../../sim/simulated-clock.ts";
import { silentLogger } from "../../telemetry/logger.ts";
import { createAuthority, type CertificateAndKey } from "../../pki/authority.ts";
import { readCertificate } from "../../pki/certificate.ts";
import { parseSigningRequest } from "../../pki/certificate-signing-request.ts";
import { keepCertificate, type CertificateKeeperOptions } from "./certificate-keeper.ts";

const hour = 3_600_000;
const lifeMs = 24 * hour;

/** A cluster that signs whatever it is asked for, unless it is told not to answer. */
class Signer {
  readonly clock = new SimulatedClock();
  readonly asked: CertificateSigningRequest[] = [];
  isDown = false;
  readonly #authority = createAuthority(
    { commonName: "ca", validForMs: 10_000 * hour },
    { clock: this.clock, random: systemRandom },
  );

  readonly client = {
    resource: () => ({
      create: async (request: CertificateSigningRequest) => {
        if (this.isDown) throw new Error("no API");
        this.asked.push(request);
        return request;
      },
      get: async () => {
        const request = this.asked.at(-1);
        return { ...request, status: { certificate: btoa(this.#sign(request)) } };
      },
    }),
  } as unknown as Client;

  #sign(request: CertificateSigningRequest | undefined): string {
    const read = parseSigningRequest(atob(request?.spec.request ?? ""));
    const fields = { ...read, usages: ["client auth" as const], validForMs: lifeMs };
    return this.#authority.sign(fields, { clock: this.clock, random: systemRandom });
  }
}

/** Keeps a certificate for so many hours; answers all that were put into use. */
async function keepFor(
  hours: number,
  signer: Signer,
  more: Partial<CertificateKeeperOptions> = {},
): Promise<readonly CertificateAndKey[]> {
  const used: CertificateAndKey[] = [];
  const stop = new AbortController();
  const kept = keepCertificate(
    {
      signer: "kubernetes.io/kube-apiserver-client-kubelet",
      nodeName: "n1",
      initial: undefined,
      names: async () => [],
      client: signer.client,
      use: async (pair) => void used.push(pair),
      clock: signer.clock,
      random: seededRandom(1),
      logger: silentLogger,
      ...more,
    },
    stop.signal,
  );
  for (let step = 0; step < hours * 4; step++) await signer.clock.advance(hour / 4);
  stop.abort();
  await signer.clock.advance(0);
  await kept;
  return used;
}

describe("keepCertificate", () => {
  it("asks at once where there is none, and again when most of its life is over", async () => {
    const signer = new Signer();
    const used = await keepFor(30, signer);
    expect(used).toHaveLength(2);
    const [first, second] = used.map(({ certificate }) => readCertificate(certificate));
    const betweenMs = (second?.notBeforeMs ?? 0) - (first?.notBeforeMs ?? 0);
    expect(betweenMs / lifeMs).toBeGreaterThanOrEqual(0.7);
    expect(betweenMs / lifeMs).toBeLessThan(0.92);
    expect(first?.subject).toEqual({
      commonName: "system:node:n1",
      organizations: ["system:nodes"],
    });
    expect(used[0]?.key).not.toBe(used[1]?.key);
  });

  it("tries again until it is answered", async () => {
    const signer = new Signer();
    signer.isDown = true;
    expect(await keepFor(1, signer)).toEqual([]);
    signer.isDown = false;
    expect(await keepFor(1, signer)).toHaveLength(1);
  });

  it("asks anew when it is to be called otherwise", async () => {
    const signer = new Signer();
    const [initial] = await keepFor(1, signer);
    if (initial === undefined) throw new Error("none was made");
    const used = await keepFor(2, signer, { initial, names: async () => ["n1", "10.0.0.7"] });
    expect(used.map(({ certificate }) => readCertificate(certificate).names)).toEqual([
      ["n1", "10.0.0.7"],
    ]);
  });

  it("takes the bootstrap credential where its own has expired, and only there", async () => {
    const signer = new Signer();
    const [initial] = await keepFor(1, signer);
    if (initial === undefined) throw new Error("none was made");
    for (let day = 0; day < 3; day++) await signer.clock.advance(24 * hour);
    const own = new Signer();
    expect(await keepFor(1, signer, { initial, client: own.client })).toEqual([]);
    let open = 0;
    const bootstrap = async () => {
      open++;
      return { ...signer.client, [Symbol.dispose]: () => void open-- };
    };
    const used = await keepFor(1, signer, { initial, client: own.client, bootstrap });
    expect(used).toHaveLength(1);
    expect(open).toBe(0);
    expect(own.asked).toEqual([]);
  });
});
