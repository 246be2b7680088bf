/**
 * The API server: requests in, answers out, one Storage below. It is a Handler and knows nothing of
 * sockets; `pkg/serving` puts it behind TLS, `tskube up` and tests call it directly. It keeps no
 * state outside storage but its caches, so that several may run side by side.
 */
import type { Clock } from "../base/clock.ts";
import type { Handler } from "../base/wire.ts";
import type { Logger } from "../telemetry/logger.ts";
import type { ApiFilter } from "./api-request.ts";
import { apiChain, type ApiHandler, ApiRequest } from "./api-request.ts";
import type { Authenticate, Authorize } from "./auth-contract.ts";
import type { Review } from "./connect-contract.ts";
import type { Stores } from "./create-stores.ts";
import { withAuthentication } from "./filters/authentication.ts";
import { withAuthorization } from "./filters/authorization.ts";
import { withDeadline } from "./filters/deadline.ts";
import { answerFailures } from "./filters/failures.ts";
import { withImpersonation } from "./filters/impersonation.ts";
import { limitInFlight } from "./filters/in-flight.ts";
import { limits } from "./limits.ts";
import { dispatch } from "./serve/dispatch.ts";
import { servePaths } from "./serve/paths.ts";
import { ServedKinds } from "./serve/served.ts";

export interface ApiServerOptions {
  readonly stores: Stores;
  readonly reviews: readonly Review[];
  readonly authenticate: Authenticate;
  readonly authorize: Authorize;
  readonly clock: Clock;
  readonly logger: Logger;
  /** "v1.37.0": what /version says. */
  readonly gitVersion: string;
  /** host:port under which clients reach this server. */
  readonly advertiseAddress: string;
}

export interface ApiServer {
  readonly handler: Handler;
  /** Fills the caches and follows storage; ends with the signal. */
  run(signal: AbortSignal): Promise<void>;
  /** Resolves when requests can be answered. */
  ready(): Promise<void>;
}

/** Every request's way, outermost first. */
const filtersOf = ({
  logger,
  clock,
  authenticate,
  authorize,
}: ApiServerOptions): readonly ApiFilter[] => [
  answerFailures(logger),
  withDeadline(clock, limits.requestMs),
  withAuthentication(authenticate),
  withImpersonation(authorize),
  limitInFlight({ reads: limits.readsInFlightMax, writes: limits.writesInFlightMax }),
  withAuthorization(authorize),
];

export function createApiServer(options: ApiServerOptions): ApiServer {
  const { stores } = options;
  const kinds = new ServedKinds(stores.all, options.reviews);
  const serve: ApiHandler = dispatch(kinds, () => undefined, servePaths(options, kinds));
  const handle = apiChain(filtersOf(options), serve);
  return {
    handler: (wire) => handle(new ApiRequest(wire)),
    run: async (signal) => {
      await Promise.all([stores.feed.run(signal), stores.feed.runBookmarks(signal)]);
    },
    ready: () => stores.feed.synced,
  };
}
