/** What a leaf may be used for, as certificates.k8s.io names it. */
export type ExtendedUsage = "server auth" | "client auth";
