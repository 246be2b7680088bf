import { readFile } from "node:fs/promises";
import { UsageError, type Flags, type FlagSpecs } from "../../pkg/base/flags.ts";
import { delegatedAuth } from "../../pkg/client/delegated-auth.ts";
import type { LeaderHealth } from "../../pkg/client/leader-health.ts";
import { componentHandler } from "../../pkg/controller/component-handler.ts";
import { createAuthority } from "../../pkg/pki/authority.ts";
import { startServer } from "../../pkg/serving/server.ts";
import type { ServerTls } from "../../pkg/serving/server-contract.ts";
import { ping } from "../../pkg/telemetry/health.ts";
import type { Metrics } from "../../pkg/telemetry/metrics.ts";
import type { ApiAccess } from "./api-access.ts";
import type { Doors } from "./doors.ts";

/** kube-controller-manager's and kube-scheduler's names. */
export const servingFlags = {
  "bind-address": { kind: "text", help: "Where health and metrics are told (127.0.0.1)" },
  "secure-port": { kind: "number", help: "The port of that; 0: nowhere" },
  "tls-cert-file": { kind: "text", help: "Its certificate, PEM (one made for this run)" },
  "tls-private-key-file": { kind: "text", help: "The certificate's key, PEM" },
  "client-ca-file": { kind: "text", help: "Authority of clients' certificates, PEM (none)" },
} as const satisfies FlagSpecs;

export interface Component {
  /** tskube-scheduler */
  readonly name: string;
  readonly defaultPort: number;
  readonly health: LeaderHealth;
  readonly metrics: Metrics;
}

/** Bodies of requests: there are none. */
const bodyBytesMax = 1024;
const ownCertificateMs = 365 * 24 * 3_600_000;

/** Tells health and metrics of a component over TLS, until the signal aborts. */
export async function serveComponent(
  { name, defaultPort, health, metrics }: Component,
  given: Flags<typeof servingFlags>,
  access: ApiAccess,
  signal: AbortSignal,
): Promise<void> {
  const port = given["secure-port"] ?? defaultPort;
  if (port === 0) return;
  describeProcess(metrics, health);
  const { client, clock, logger } = access;
  const authorize = delegatedAuth(client, clock);
  const server = await startServer({
    address: given["bind-address"] ?? "127.0.0.1",
    port,
    tls: await tlsOf(name, given, access),
    handler: componentHandler({ checks: [ping, health.check], metrics, authorize, logger }),
    bodyBytesMax,
  });
  logger.info({ port }, "health and metrics are told");
  await new Promise<void>((resolve) => {
    if (signal.aborted) resolve();
    signal.addEventListener("abort", () => resolve(), { once: true });
  });
  await server.close();
}

async function tlsOf(
  name: string,
  given: Flags<typeof servingFlags>,
  doors: Doors,
): Promise<ServerTls> {
  const certificateFile = given["tls-cert-file"];
  const keyFile = given["tls-private-key-file"];
  const authorities = given["client-ca-file"];
  if ((certificateFile === undefined) !== (keyFile === undefined))
    throw new UsageError("--tls-cert-file and --tls-private-key-file go together");
  const own =
    certificateFile === undefined || keyFile === undefined
      ? ownCertificate(name, doors)
      : {
          certificate: await readFile(certificateFile, "utf8"),
          key: await readFile(keyFile, "utf8"),
        };
  return authorities === undefined
    ? own
    : { ...own, clientAuthorities: await readFile(authorities, "utf8") };
}

/** Nobody can verify it; it is for probes of this machine, which do not try. */
function ownCertificate(name: string, doors: Doors): Omit<ServerTls, "clientAuthorities"> {
  const validForMs = ownCertificateMs;
  const authority = createAuthority({ commonName: `${name}-ca`, validForMs }, doors);
  const names = ["localhost", "127.0.0.1"];
  const usages = ["server auth"] as const;
  return authority.issue({ subject: { commonName: name }, names, usages, validForMs }, doors);
}

/** Under the names that Prometheus' clients give them. */
function describeProcess(metrics: Metrics, health: LeaderHealth): void {
  const gauge = (metric: string, help: string) => metrics.gauge({ name: metric, help }).with();
  const cpu = metrics
    .counter({ name: "process_cpu_seconds_total", help: "Processor time used." })
    .with();
  const memory = gauge("process_resident_memory_bytes", "Memory in use.");
  const leads = gauge("leader_election_master_status", "1: this process leads.");
  metrics.onText(() => {
    const { user, system } = process.cpuUsage();
    cpu.value = (user + system) / 1e6;
    memory.set(process.memoryUsage.rss());
    leads.set(health.isLeading ? 1 : 0);
  });
}
