import type { Clock } from "../../base/clock.ts";
import type { Client } from "../../client/client.ts";
import { delegatedAuth } from "../../client/delegated-auth.ts";
import type { Authorize } from "./server-parts.ts";

export interface DelegatedAuthorizeOptions {
  readonly client: Client;
  readonly clock: Clock;
  readonly nodeName: string;
}

/** Who may ask the kubelet is for the API server to say: of this Node's subresources. */
export function delegatedAuthorize(options: DelegatedAuthorizeOptions): Authorize {
  const { client, clock, nodeName: name } = options;
  const authorize = delegatedAuth(client, clock);
  return (access) => {
    const { verb, subresource } = access;
    const resourceAttributes = { verb, version: "v1", resource: "nodes", subresource, name };
    const what = `verb=${verb}, resource=nodes, subresource=${subresource}`;
    return authorize(access, { attributes: { resourceAttributes }, what });
  };
}
