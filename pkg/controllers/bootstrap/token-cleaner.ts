import type { Secret } from "../../../api/core/v1.ts";
import { secrets } from "../../../api/resources.ts";
import { done, requeueAfter } from "../../controller/controller.ts";
import { defineController } from "../../controller/run-controller.ts";
import {
  bootstrapExpiryMs,
  bootstrapTokenNamespace,
  bootstrapTokenType,
} from "../../machinery/bootstrap-token.ts";
import { isReason } from "../../machinery/status-error.ts";

/** Only tokens are read, and no other Secret. */
export const tokenSelector = `type=${bootstrapTokenType},metadata.namespace=${bootstrapTokenNamespace}`;

/** Ends that are further off than this are looked at again then. */
const lookAgainMs = 24 * 3_600_000;

/** Deletes bootstrap tokens that are over. */
export const tokenCleanerController = defineController<Secret>({
  name: "token-cleaner",
  account: "token-cleaner",
  eventSource: "token-cleaner",
  reconciles: secrets,
  fieldSelector: tokenSelector,
  reads: [],
  writes: ["Secret/bootstrap-tokens"],
  async reconcile(secret, { client, clock }, signal) {
    const leftMs = bootstrapExpiryMs(secret) - clock.now();
    if (leftMs === Infinity) return done;
    if (leftMs > 0) return requeueAfter(Math.min(leftMs, lookAgainMs));
    const { namespace: where = "", name: which = "", uid } = secret.metadata ?? {};
    const preconditions = uid === undefined ? {} : { preconditions: { uid } };
    await client
      .resource(secrets)
      .delete({ namespace: where, name: which }, preconditions, signal)
      .catch((error: unknown) => {
        if (!isReason(error, "NotFound", "Conflict")) throw error;
      });
    return done;
  },
});
