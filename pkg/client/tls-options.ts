import { isIP } from "node:net";
import type { ConnectionOptions } from "node:tls";
import type { ClusterAccess } from "./cluster-access.ts";

/** What `tls.connect` needs to reach the server; also for upgraded connections (exec). */
export async function tlsOptions(access: ClusterAccess, base: URL): Promise<ConnectionOptions> {
  const host = base.hostname.replace(/^\[|\]$/g, "");
  const own = await access.clientCertificate?.();
  const authority = await access.certificateAuthority?.();
  const name = access.tlsServerName ?? (isIP(host) === 0 ? host : undefined);
  return {
    host,
    port: base.port === "" ? 443 : Number(base.port),
    ...(name === undefined ? {} : { servername: name }),
    ...(authority === undefined ? {} : { ca: authority }),
    ...(own === undefined ? {} : { cert: own.certificate, key: own.key }),
    ...(access.insecureSkipTlsVerify === true ? { rejectUnauthorized: false } : {}),
  };
}
