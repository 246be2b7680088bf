import type { Flags, FlagSpecs } from "../base/flags.ts";

/** Flags that every command takes, in front of its name or behind it. */
export const globalFlags = {
  namespace: { short: "n", kind: "text", help: "The namespace to work in" },
  kubeconfig: { kind: "text", help: "Path of the kubeconfig file" },
  context: { kind: "text", help: "The kubeconfig's context to use" },
  cluster: { kind: "text", help: "The kubeconfig's cluster to use" },
  user: { kind: "text", help: "The kubeconfig's user to use" },
  server: { short: "s", kind: "text", help: "Address and port of the API server" },
  token: { kind: "text", help: "Bearer token to authenticate with" },
  as: { kind: "text", help: "User to impersonate" },
  "as-group": { kind: "list", help: "Group to impersonate" },
  "insecure-skip-tls-verify": { kind: "bool", help: "Do not check the server's certificate" },
  "certificate-authority": { kind: "text", help: "File with the server's authority" },
  "client-certificate": { kind: "text", help: "File with the client's certificate" },
  "client-key": { kind: "text", help: "File with the client's key" },
  help: { short: "h", kind: "bool", help: "How a command is used" },
} as const satisfies FlagSpecs;
export type GlobalFlags = Flags<typeof globalFlags>;
