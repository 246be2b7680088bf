/** Deployments of what a command line says. Pure. */
import { UsageError } from "../../base/flags.ts";
import type { Generated } from "./config-plan.ts";

export interface DeploymentWanted {
  readonly name: string;
  readonly images: readonly string[];
  readonly replicas: number;
  readonly port: number | undefined;
  readonly command: readonly string[];
}

/** "nginx" of "registry.example:5000/library/nginx:1@sha256:…", as a container may be called. */
function containerName(image: string): string {
  const last = image.split("/").at(-1) ?? "";
  const name = last.split("@")[0]?.split(":")[0] ?? "";
  return name.toLowerCase().replaceAll(/[^-a-z0-9]/g, "-");
}

export function deployment(wanted: DeploymentWanted): Generated {
  const { name, images, replicas, port, command } = wanted;
  if (images.length > 1 && command.length > 0)
    throw new UsageError("cannot specify multiple --image options and command");
  const labels = { app: name };
  const hasPort = port !== undefined && port > 0;
  const containers = images.map((image) => ({
    name: containerName(image),
    image,
    ...(command.length === 0 ? {} : { command }),
    ...(hasPort ? { ports: [{ containerPort: port }] } : {}),
    resources: {},
  }));
  return {
    kind: "Deployment",
    apiVersion: "apps/v1",
    metadata: { name, labels },
    spec: {
      replicas,
      selector: { matchLabels: labels },
      template: { metadata: { labels }, spec: { containers } },
      strategy: {},
    },
    status: {},
  };
}
