import { kubernetesVersion } from "../../api/version.ts";
import { defaultAdmission } from "../apiserver/admission/default-admission.ts";
import { authenticateCertificate } from "../apiserver/auth/authenticators.ts";
import { ensureBootstrapRbac } from "../apiserver/auth/bootstrap-rbac.ts";
import { nodeAuthorizer } from "../apiserver/auth/node-authorizer.ts";
import { anyOf, mastersMay, rbac } from "../apiserver/auth/rbac.ts";
import { createApiServer, type ApiServer } from "../apiserver/create-api-server.ts";
import { createStores } from "../apiserver/create-stores.ts";
import { resources } from "../apiserver/resources.ts";
import type { Clock } from "../base/clock.ts";
import type { Random } from "../base/random.ts";
import { MemoryStorage } from "../storage/memory.ts";
import type { Logger } from "../telemetry/logger.ts";
import { Metrics } from "../telemetry/metrics.ts";

export interface SimulatedServer extends ApiServer {
  /** Writes what every cluster has at its beginning: the default roles and their bindings. */
  prepare(signal: AbortSignal): Promise<void>;
}

/** The real API server on memory, with the real admission and the real rules of who may what. */
export function simulatedServer(clock: Clock, random: Random, logger: Logger): SimulatedServer {
  const storage = new MemoryStorage(clock);
  const admission = defaultAdmission;
  const stores = createStores({ storage, resources, clock, random, logger, admission });
  const server = createApiServer({
    stores,
    reviews: [],
    authenticate: authenticateCertificate,
    authorize: anyOf([mastersMay, nodeAuthorizer(stores.objects), rbac(stores.objects).authorize]),
    clock,
    logger,
    metrics: new Metrics(),
    gitVersion: kubernetesVersion,
    advertiseAddress: "10.0.0.1:6443",
  });
  return { ...server, prepare: (signal) => ensureBootstrapRbac(server.handler, signal) };
}
