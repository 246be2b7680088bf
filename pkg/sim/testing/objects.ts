/** Objects for tests of the simulated cluster. */
import type { Deployment } from "../../../api/apps/v1.ts";
import type { Pod, Service, Toleration } from "../../../api/core/v1.ts";

/** Leaves a lost node after half a minute instead of five. */
const impatient: readonly Toleration[] = ["not-ready", "unreachable"].map((reason) => ({
  key: `node.kubernetes.io/${reason}`,
  operator: "Exists",
  effect: "NoExecute",
  tolerationSeconds: 30,
}));

export const deployment = (name: string, replicas: number, image = "one"): Deployment => ({
  metadata: { name, namespace: "default" },
  spec: {
    replicas,
    selector: { matchLabels: { app: name } },
    template: {
      metadata: { labels: { app: name } },
      spec: {
        containers: [{ name: "main", image, ports: [{ name: "http", containerPort: 8080 }] }],
        tolerations: impatient,
      },
    },
  },
});

export const service = (name: string): Service => ({
  metadata: { name, namespace: "default" },
  spec: { selector: { app: name }, ports: [{ name: "http", port: 80, targetPort: "http" }] },
});

export const pod = (name: string, namespace: string = "default"): Pod => ({
  metadata: { name, namespace },
  spec: { containers: [{ name: "main", image: "one" }] },
});

/** All that a Deployment asks for is there, and nothing else. */
export const isWhole = ({ metadata, spec, status }: Deployment): boolean =>
  status?.observedGeneration === metadata?.generation &&
  status?.replicas === spec.replicas &&
  status?.updatedReplicas === spec.replicas &&
  status?.availableReplicas === spec.replicas;
