/** A builder of kubeconfig files for a cluster's own parts, and their text. */
import type { Kubeconfig } from "../machinery/kubeconfig.ts";

export interface KubeconfigFor {
  /** "kubernetes", as kubeadm names its cluster. */
  readonly cluster: string;
  /** https://10.0.0.1:6443 */
  readonly server: string;
  /** PEM. */
  readonly authority: string;
  /** "kubernetes-admin", "system:node:n1" */
  readonly user: string;
  /** PEM, kept in the file; or a file with both, which is renewed beside it. */
  readonly credential:
    | { readonly certificate: string; readonly key: string }
    | { readonly file: string };
}

const base64 = (text: string): string => Buffer.from(text).toString("base64");

/** One cluster, one user with its certificate inside, one context user@cluster. */
export function kubeConfig(wanted: KubeconfigFor): Kubeconfig {
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
        user:
          "file" in wanted.credential
            ? {
                "client-certificate": wanted.credential.file,
                "client-key": wanted.credential.file,
              }
            : {
                "client-certificate-data": base64(wanted.credential.certificate),
                "client-key-data": base64(wanted.credential.key),
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
export const kubeConfigText = (config: Kubeconfig): string => `${yaml(config, "")}`;

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
