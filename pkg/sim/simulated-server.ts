import { kubernetesVersion } from "../../api/version.ts";
import { defaultAdmission } from "../apiserver/admission/default-admission.ts";
import { authenticateCertificate, firstOf } from "../apiserver/auth/authenticators.ts";
import { ensureBootstrapRbac } from "../apiserver/auth/bootstrap-rbac.ts";
import { bootstrapTokens } from "../apiserver/auth/bootstrap-tokens.ts";
import { nodeAuthorizer } from "../apiserver/auth/node-authorizer.ts";
import { anyOf, mastersMay, rbac } from "../apiserver/auth/rbac.ts";
import { authReviews } from "../apiserver/auth/reviews.ts";
import { anyToken, authenticateBearer } from "../apiserver/auth/token-authenticator.ts";
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
  const { objects } = stores;
  const rules = rbac(objects);
  const authorize = anyOf([mastersMay, nodeAuthorizer(objects), rules.authorize]);
  const tokens = anyToken([bootstrapTokens({ objects, clock })]);
  const server = createApiServer({
    stores,
    reviews: authReviews({ authorize, tokens, audiences: [], rbac: rules }),
    authenticate: firstOf([authenticateCertificate, authenticateBearer(tokens, [])]),
    authorize,
    clock,
    logger,
    metrics: new Metrics(),
    gitVersion: kubernetesVersion,
    advertiseAddress: "10.0.0.1:6443",
  });
  return { ...server, prepare: (signal) => ensureBootstrapRbac(server.handler, signal) };
}
