/** create token: a service account's, for a while. */
import type { TokenRequest } from "../../../../api/authentication/v1.ts";
import { durationMs } from "../../../base/duration.ts";
import { UsageError } from "../../../base/flags.ts";
import { StatusError } from "../../../machinery/status-error.ts";
import { defineCommand } from "../../command.ts";
import { objectPrinter } from "../../print/output.ts";
import { pathOf } from "../../resource-mapper.ts";
import { onlyName } from "./create-object.ts";

/** What a token may be bound to: it dies with it. */
const boundKinds: Readonly<Record<string, string>> = { Node: "v1", Pod: "v1", Secret: "v1" };

interface Bound {
  readonly "bound-object-kind": string | undefined;
  readonly "bound-object-name": string | undefined;
  readonly "bound-object-uid": string | undefined;
}

/** Throws UsageError. */
function boundObject(given: Bound): object | undefined {
  const kind = given["bound-object-kind"] ?? "";
  const name = given["bound-object-name"] ?? "";
  const uid = given["bound-object-uid"] ?? "";
  if (kind === "") {
    if (name !== "")
      throw new UsageError(
        "--bound-object-name can only be set if --bound-object-kind is provided",
      );
    if (uid !== "")
      throw new UsageError("--bound-object-uid can only be set if --bound-object-kind is provided");
    return undefined;
  }
  const apiVersion = boundKinds[kind];
  if (apiVersion === undefined) {
    throw new UsageError(
      `supported --bound-object-kind values are ${Object.keys(boundKinds).toSorted().join(", ")}`,
    );
  }
  if (name === "")
    throw new UsageError("--bound-object-name is required if --bound-object-kind is provided");
  return { kind, apiVersion, name, ...(uid === "" ? {} : { uid }) };
}

export const createToken = defineCommand({
  usage: "create token SERVICE_ACCOUNT_NAME [--duration=1h] [--audience=WHO]",
  flags: {
    output: { short: "o", kind: "text", help: "json, yaml, name, jsonpath=…" },
    audience: { kind: "list", help: "Who shall believe it" },
    duration: { kind: "text", help: "How long it is good for: 10m, 1h" },
    "bound-object-kind": { kind: "text", help: "Pod, Secret or Node: with which it dies" },
    "bound-object-name": { kind: "text", help: "The object's name" },
    "bound-object-uid": { kind: "text", help: "The object's uid" },
  } as const,
  run: async (kubectl, { flags, args }) => {
    const name = onlyName(args, "create token");
    if (flags.duration?.startsWith("-") === true)
      throw new UsageError("--duration must be greater than or equal to 0");
    const seconds = Math.trunc(durationMs(flags.duration ?? "0s") / 1000);
    const printer = objectPrinter(flags.output, () => `tokenrequest.authentication.k8s.io/${name}`);
    const bound = boundObject(flags);
    const { namespace, api, terminal } = kubectl;
    const accounts = (await kubectl.mapper(["serviceaccounts"])).byName("serviceaccounts");
    const spec = {
      audiences: flags.audience,
      ...(seconds === 0 ? {} : { expirationSeconds: seconds }),
      ...(bound === undefined ? {} : { boundObjectRef: bound }),
    };
    const answer = await api
      .send<TokenRequest>({
        method: "POST",
        path: pathOf(accounts, { namespace, name, subresource: "token" }),
        body: { kind: "TokenRequest", apiVersion: "authentication.k8s.io/v1", spec },
      })
      .catch((error: unknown) => {
        if (!(error instanceof StatusError)) throw error;
        throw new UsageError(`failed to create token: ${error.message}`);
      });
    const token = answer.status?.token ?? "";
    if (token === "") throw new Error("failed to create token: no token in server response");
    // Upstream's type always shows whether there is one.
    const shown = { ...answer, spec: { boundObjectRef: null, ...answer.spec } };
    terminal.out(printer === undefined ? `${token}\n` : await printer(shown));
    return 0;
  },
});
