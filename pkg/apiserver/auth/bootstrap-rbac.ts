import { isStream, type Handler, type WireBody, type WireResponse } from "../../base/wire.ts";
import { mastersGroup } from "../auth-contract.ts";
import {
  keyOf,
  planBootstrapRbac,
  type BootstrapChange,
  type RbacObject,
} from "./bootstrap-rbac-plan.ts";

const root = "/apis/rbac.authorization.k8s.io/v1";
const plurals: Readonly<Record<string, string>> = {
  ClusterRole: "clusterroles",
  ClusterRoleBinding: "clusterrolebindings",
  Role: "roles",
  RoleBinding: "rolebindings",
};

/** Well under the number of writes that a server takes at a time. */
const writesAtOnce = 50;

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
  const apply = async (change: BootstrapChange): Promise<void> => {
    const { kind = "", metadata } = change.object;
    const inside = metadata?.namespace === undefined ? "" : `/namespaces/${metadata.namespace}`;
    const folder = `${root}${inside}/${plurals[kind] ?? ""}`;
    const answer =
      change.do === "create"
        ? await send("POST", folder, change.object)
        : await send("PUT", `${folder}/${metadata?.name ?? ""}`, change.object);
    // 409: another server was quicker. Its object is the wanted one, or the next start completes
    // it.
    if (answer.status >= 400 && answer.status !== 409) {
      const cause = new Error(await textOf(answer));
      throw new Error(`${change.do} ${keyOf(change.object)}`, { cause });
    }
  };
  const changes = planBootstrapRbac(existing);
  // Many at once: storage commits them together, and a server's start waits for this.
  for (let at = 0; at < changes.length; at += writesAtOnce) {
    await Promise.all(changes.slice(at, at + writesAtOnce).map(apply));
  }
}

async function textOf({ body }: { readonly body: WireBody }): Promise<string> {
  const pieces: Uint8Array[] = [];
  if (body instanceof Uint8Array) pieces.push(body);
  else if (isStream(body)) for await (const piece of body) pieces.push(piece);
  else pieces.push(...body);
  return Buffer.concat(pieces).toString("utf8");
}
