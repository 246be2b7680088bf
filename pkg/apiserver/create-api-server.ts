/**
 * The API server: requests in, answers out, one Storage below. It is a Handler and knows nothing of
 * sockets; `pkg/serving` puts it behind TLS, `tskube up` and tests call it directly. It keeps no
 * state outside storage but its caches, so that several may run side by side.
 */
import type { Clock } from "../base/clock.ts";
import type { Handler, WireResponse } from "../base/wire.ts";
import type { UpgradeHandler } from "../serving/server-contract.ts";
import { type HealthCheck, ping } from "../telemetry/health.ts";
import type { Logger } from "../telemetry/logger.ts";
import type { Metrics } from "../telemetry/metrics.ts";
import { apiChain, type ApiFilter } from "./api-request.ts";
import type { Authenticate, Authorize } from "./auth-contract.ts";
import { runBootstrap } from "./bootstrap/run-bootstrap.ts";
import { parseAdvertised } from "./bootstrap/system-objects.ts";
import type { IssueToken, NodeProxy, Review } from "./connect-contract.ts";
import type { Stores } from "./create-stores.ts";
import { withAuthentication } from "./filters/authentication.ts";
import { withAuthorization } from "./filters/authorization.ts";
import { withDeadline } from "./filters/deadline.ts";
import { answerFailures } from "./filters/failures.ts";
import { withImpersonation } from "./filters/impersonation.ts";
import { limitInFlight } from "./filters/in-flight.ts";
import { withMetrics } from "./filters/metrics.ts";
import { withPretty } from "./filters/pretty.ts";
import { limits } from "./limits.ts";
import { runRepair } from "./services/repair.ts";
import { dispatch } from "./serve/dispatch.ts";
import { handleWire } from "./serve/handle-wire.ts";
import { servePaths } from "./serve/paths.ts";
import { ServedKinds } from "./serve/served.ts";
import { upgradeHandler } from "./serve/upgrade.ts";

export interface ApiServerOptions {
  readonly stores: Stores;
  readonly authenticate: Authenticate;
  readonly authorize: Authorize;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly metrics: Metrics;
  /** "v1.37.0": what /version says. */
  readonly gitVersion: string;
  /** host:port under which clients reach this server. */
  readonly advertiseAddress: string;
  /** Kinds that are answered and not stored. */
  readonly reviews?: readonly Review[];
  /** Absent: serviceaccounts/token is refused. */
  readonly issueToken?: IssueToken;
  /** Absent: logs, exec and the like are refused. */
  readonly nodeProxy?: NodeProxy;
  /** Ready answers by their path. */
  readonly documents?: ReadonlyMap<string, WireResponse>;
  /** What is asked beside the server's own checks. */
  readonly readiness?: readonly HealthCheck[];
}

export interface ApiServer {
  readonly handler: Handler;
  readonly upgrade: UpgradeHandler;
  /** Fills the caches and follows storage; ends with the signal. */
  run(signal: AbortSignal): Promise<void>;
  /** Resolves when the caches are filled and the system's own objects are there. */
  ready(): Promise<void>;
}

/** Every request's way, outermost first. */
const filtersOf = (options: ApiServerOptions): readonly ApiFilter[] => [
  withMetrics(options.metrics, options.clock),
  withPretty,
  answerFailures(options.logger),
  withDeadline(options.clock, limits.requestMs),
  withAuthentication(options.authenticate),
  withImpersonation(options.authorize),
  limitInFlight({ reads: limits.readsInFlightMax, writes: limits.writesInFlightMax }),
  withAuthorization(options.authorize),
];

export function createApiServer(options: ApiServerOptions): ApiServer {
  const { stores, clock, logger, reviews = [], documents = new Map(), readiness = [] } = options;
  const kinds = new ServedKinds({ ...options, reviews });
  const paths = servePaths(
    { ...options, documents, liveness: [ping], readiness: [...ownChecks(stores), ...readiness] },
    kinds,
  );
  const filters = filtersOf(options);
  const booted = Promise.withResolvers<void>();
  const advertised = parseAdvertised(options.advertiseAddress);
  const handle = apiChain(filters, dispatch(kinds, paths));
  return {
    handler: (wire) => handleWire(handle, wire),
    upgrade: upgradeHandler(filters, options.nodeProxy),
    run: async (signal) => {
      await Promise.all([
        stores.feed.run(signal),
        stores.feed.runBookmarks(signal),
        runBootstrap({ stores, clock, logger, advertised, onDone: booted.resolve }, signal),
        runRepair({ ...stores, synced: stores.feed.synced, clock, logger }, signal),
      ]);
    },
    ready: () => booted.promise,
  };
}

const ownChecks = ({ feed }: Stores): readonly HealthCheck[] => [
  {
    name: "etcd",
    check: async () => {
      await feed.newestRevision();
    },
  },
  {
    name: "informer-sync",
    check: () => (feed.isSynced ? Promise.resolve() : Promise.reject(new Error("not yet filled"))),
  },
];
