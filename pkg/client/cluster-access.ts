/** How to reach an API server and as whom: what a kubeconfig says, and what a transport needs. */
export interface ClusterAccess {
  /** https://10.0.0.1:6443, or http:// for a server without TLS. A path is kept before requests. */
  readonly server: string;
  /** PEM; absent: the machine's own authorities. */
  readonly certificateAuthority?: () => Promise<string>;
  /** Name to check the server's certificate against, where it is not the URL's host. */
  readonly tlsServerName?: string;
  readonly insecureSkipTlsVerify?: boolean;
  /** PEM, both or none; asked again for every new connection, so that they may be renewed. */
  readonly clientCertificate?: () => Promise<{
    readonly certificate: string;
    readonly key: string;
  }>;
  /** A bearer token; asked again for every request, so that it may be renewed. */
  readonly token?: () => Promise<string>;
  /** Act as somebody else, where the server allows it. */
  readonly impersonate?: { readonly user: string; readonly groups: readonly string[] };
}

/** Headers that say who is asking. */
export async function identityHeaders(access: ClusterAccess): Promise<Record<string, string>> {
  const headers: Record<string, string> = {};
  if (access.token !== undefined) headers["authorization"] = `Bearer ${await access.token()}`;
  const { impersonate } = access;
  if (impersonate !== undefined) {
    headers["impersonate-user"] = impersonate.user;
    if (impersonate.groups.length > 0) headers["impersonate-group"] = impersonate.groups.join(", ");
  }
  return headers;
}
