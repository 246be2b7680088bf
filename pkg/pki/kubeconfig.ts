/**
 * The shape of a kubeconfig file (clientcmd v1), and a builder for those of a cluster's own parts.
 */
export interface KubeConfig {
  readonly apiVersion: "v1";
  readonly kind: "Config";
  readonly clusters: readonly { readonly name: string; readonly cluster: KubeConfigCluster }[];
  readonly contexts: readonly { readonly name: string; readonly context: KubeConfigContext }[];
  readonly "current-context": string;
  readonly preferences?: Readonly<Record<string, never>>;
  readonly users: readonly { readonly name: string; readonly user: KubeConfigUser }[];
}

export interface KubeConfigCluster {
  readonly server: string;
  readonly "certificate-authority"?: string;
  /** Base64 of PEM. */
  readonly "certificate-authority-data"?: string;
  readonly "insecure-skip-tls-verify"?: boolean;
  readonly "tls-server-name"?: string;
  readonly "proxy-url"?: string;
}

export interface KubeConfigContext {
  readonly cluster: string;
  readonly user: string;
  readonly namespace?: string;
}

export interface KubeConfigUser {
  readonly "client-certificate"?: string;
  readonly "client-certificate-data"?: string;
  readonly "client-key"?: string;
  readonly "client-key-data"?: string;
  readonly token?: string;
  readonly tokenFile?: string;
  readonly username?: string;
  readonly password?: string;
  readonly exec?: KubeConfigExec;
}

/** A program that prints an ExecCredential. */
export interface KubeConfigExec {
  readonly apiVersion: string;
  readonly command: string;
  readonly args?: readonly string[];
  readonly env?: readonly { readonly name: string; readonly value: string }[];
}

export interface KubeConfigFor {
  /** "kubernetes", as kubeadm names its cluster. */
  readonly cluster: string;
  /** https://10.0.0.1:6443 */
  readonly server: string;
  /** PEM. */
  readonly authority: string;
  /** "kubernetes-admin", "system:node:n1" */
  readonly user: string;
  /** PEM. */
  readonly certificate: string;
  readonly key: string;
}

const base64 = (text: string): string => Buffer.from(text).toString("base64");

/** One cluster, one user with its certificate inside, one context user@cluster. */
export function kubeConfig(wanted: KubeConfigFor): KubeConfig {
  const context = `${wanted.user}@${wanted.cluster}`;
  return {
    apiVersion: "v1",
    kind: "Config",
    clusters: [
      {
        name: wanted.cluster,
        cluster: {
          "certificate-authority-data": base64(wanted.authority),
          server: wanted.server,
        },
      },
    ],
    contexts: [{ name: context, context: { cluster: wanted.cluster, user: wanted.user } }],
    "current-context": context,
    users: [
      {
        name: wanted.user,
        user: {
          "client-certificate-data": base64(wanted.certificate),
          "client-key-data": base64(wanted.key),
        },
      },
    ],
  };
}

/** The client certificate inside a kubeconfig's text, PEM; for looking at its expiry. */
export function embeddedCertificate(text: string): string | undefined {
  const [, data] = /client-certificate-data"?:\s*"?([A-Za-z0-9+/=]+)/.exec(text) ?? [];
  return data === undefined ? undefined : Buffer.from(data, "base64").toString("utf8");
}

/** YAML, as people know these files. */
export const kubeConfigText = (config: KubeConfig): string => `${yaml(config, "")}`;

/** Block style for lists and maps; every scalar is a JSON text, which YAML reads as it is. */
function yaml(value: object, indent: string): string {
  const entries: readonly (readonly [string, unknown])[] = Array.isArray(value)
    ? value.map((item: unknown) => ["-", item])
    : Object.entries(value).map(([key, item]: [string, unknown]) => [`${key}:`, item]);
  return entries
    .map(([key, item]) => {
      if (typeof item !== "object" || item === null) {
        return `${indent}${key} ${JSON.stringify(item)}\n`;
      }
      const nested = yaml(item, `${indent}  `);
      // A map inside a list begins on the line of its dash.
      return key === "-" ? `${indent}- ${nested.trimStart()}` : `${indent}${key}\n${nested}`;
    })
    .join("");
}
