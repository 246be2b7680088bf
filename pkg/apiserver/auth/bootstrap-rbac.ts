import { isStream, type Handler, type WireBody, type WireResponse } from "../../base/wire.ts";
import { StatusError } from "../../machinery/status-error.ts";
import { mastersGroup } from "../auth-contract.ts";
import { keyOf, planBootstrapRbac, type RbacObject } from "./bootstrap-rbac-plan.ts";

const root = "/apis/rbac.authorization.k8s.io/v1";
const plurals: Readonly<Record<string, string>> = {
  ClusterRole: "clusterroles",
  ClusterRoleBinding: "clusterrolebindings",
  Role: "roles",
  RoleBinding: "rolebindings",
};

/** The server itself, as a caller of its own handler. */
const peer = {
  address: "127.0.0.1",
  certificate: { commonName: "system:apiserver", organizations: [mastersGroup] },
};

/**
 * Brings the default roles and bindings up to date through the server's own handler, so that they
 * take the path of every other write. Two servers may do so at once: who comes second finds that
 * there is nothing to do.
 */
export async function ensureBootstrapRbac(handler: Handler, signal: AbortSignal): Promise<void> {
  const send = async (method: string, path: string, body?: object): Promise<WireResponse> =>
    handler({
      method,
      path,
      headers: { accept: "application/json", "content-type": "application/json" },
      ...(body === undefined ? {} : { body: Buffer.from(JSON.stringify(body)) }),
      peer,
      signal,
    });
  const existing = new Map<string, RbacObject>();
  for (const [kind, plural] of Object.entries(plurals)) {
    const { items } = JSON.parse(await textOf(await send("GET", `${root}/${plural}`))) as {
      readonly items: readonly RbacObject[];
    };
    for (const item of items) {
      const object = { ...item, kind, apiVersion: "rbac.authorization.k8s.io/v1" };
      existing.set(keyOf(object), object);
    }
  }
  for (const change of planBootstrapRbac(existing)) {
    const { kind = "", metadata } = change.object;
    const namespace = metadata?.namespace;
    const folder = `${namespace === undefined ? root : `${root}/namespaces/${namespace}`}/${plurals[kind] ?? ""}`;
    const answer =
      change.do === "create"
        ? await send("POST", folder, change.object)
        : await send("PUT", `${folder}/${metadata?.name ?? ""}`, change.object);
    // 409: another server was quicker. Its object is the wanted one, or the next start completes it.
    if (answer.status >= 400 && answer.status !== 409) {
      throw new StatusError(
        "InternalError",
        `${change.do} ${keyOf(change.object)}`,
        {},
        {
          cause: new Error(await textOf(answer)),
        },
      );
    }
  }
}

async function textOf({ body }: { readonly body: WireBody }): Promise<string> {
  const pieces: Uint8Array[] = [];
  if (body instanceof Uint8Array) pieces.push(body);
  else if (isStream(body)) for await (const piece of body) pieces.push(piece);
  else pieces.push(...body);
  return Buffer.concat(pieces).toString("utf8");
}
