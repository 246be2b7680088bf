/** The shape of a kubeconfig file (clientcmd v1), as it is read and written. Pure types. */
export interface Kubeconfig {
  readonly apiVersion?: string;
  readonly kind?: string;
  readonly "current-context"?: string;
  readonly clusters?: readonly Named<"cluster", KubeconfigCluster>[];
  readonly users?: readonly Named<"user", KubeconfigUser>[];
  readonly contexts?: readonly Named<"context", KubeconfigContext>[];
}

type Named<K extends string, T> = { readonly name: string } & { readonly [key in K]?: T };

export interface KubeconfigCluster {
  readonly server?: string;
  readonly "certificate-authority"?: string;
  /** Base64 of PEM. */
  readonly "certificate-authority-data"?: string;
  readonly "insecure-skip-tls-verify"?: boolean;
  readonly "tls-server-name"?: string;
}

export interface KubeconfigUser {
  readonly "client-certificate"?: string;
  readonly "client-certificate-data"?: string;
  readonly "client-key"?: string;
  readonly "client-key-data"?: string;
  readonly token?: string;
  readonly tokenFile?: string;
  readonly username?: string;
  readonly as?: string;
  readonly "as-groups"?: readonly string[];
  /** A program that prints an ExecCredential. */
  readonly exec?: { readonly command?: string };
  readonly "auth-provider"?: { readonly name?: string };
}

export interface KubeconfigContext {
  readonly cluster?: string;
  readonly user?: string;
  readonly namespace?: string;
}
