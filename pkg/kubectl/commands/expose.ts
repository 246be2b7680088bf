import type { KubeObject } from "../../../api/resource.ts";
import { defineCommand } from "../command.ts";
import { eachOf } from "../failures.ts";
import { checkExposable, exposingService, type Exposable } from "../generate/expose-plan.ts";
import { overridden, overrideFlags } from "../generate/override-plan.ts";
import { chooseObjects } from "../object-args.ts";
import { createFlags, createObject } from "./create/create-object.ts";

export const expose = defineCommand({
  usage: "expose (-f FILE | TYPE NAME) [--port=PORT] [--target-port=PORT|NAME] [--type=TYPE]",
  flags: {
    ...createFlags,
    ...overrideFlags,
    filename: { short: "f", kind: "list", help: "Files that name the objects" },
    recursive: { short: "R", kind: "bool", help: "Read folders of -f to the bottom" },
    name: { kind: "text", help: "The service's name (the object's own)" },
    port: { kind: "text", help: "Its port, or several: 80,443" },
    "target-port": { kind: "text", help: "The pods' port: a number or a name" },
    protocol: { kind: "text", help: "TCP, UDP or SCTP" },
    type: { kind: "text", help: "ClusterIP, NodePort, LoadBalancer or ExternalName" },
    labels: { short: "l", kind: "text", help: "Labels of the service" },
    selector: { kind: "text", help: "Labels of the pods that it leads to" },
    "external-ip": { kind: "text", help: "An address from outside that leads to it" },
    "load-balancer-ip": { kind: "text", help: "The address that a load balancer shall have" },
    "session-affinity": { kind: "text", help: "None or ClientIP" },
    "cluster-ip": { kind: "text", help: "Its address, or None" },
  } as const,
  run: async (kubectl, { flags, args }) => {
    const choice = { ...flags, selector: undefined, all: false, allNamespaces: false };
    const targets = await chooseObjects(kubectl, args, choice);
    const failures = await eachOf(targets, async (target) => {
      const { kind, group } = target.resource;
      checkExposable(kind, group);
      const source = await kubectl.api.send<KubeObject>({ method: "GET", path: target.path });
      const made = exposingService(kind, source as Exposable, {
        ...flags,
        name: flags.name ?? target.name,
        targetPort: flags["target-port"],
        externalIp: flags["external-ip"],
        loadBalancerIp: flags["load-balancer-ip"],
        sessionAffinity: flags["session-affinity"],
        clusterIp: flags["cluster-ip"],
      });
      await createObject(kubectl, flags, {
        resource: "services",
        object: overridden(made, flags.overrides, flags["override-type"]),
        manager: "kubectl-expose",
        done: "exposed",
      });
    });
    if (failures !== undefined) throw failures;
    return 0;
  },
});
