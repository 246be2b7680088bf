/** create service clusterip, nodeport, loadbalancer, externalname. */
import { defineCommand, type Command, type CommandEntry, type Kubectl } from "../../command.ts";
import { service, type ServiceWanted } from "../../generate/service-plan.ts";
import {
  createFlags,
  createObject,
  onlyName,
  required,
  type CreateFlags,
} from "./create-object.ts";
import { groupOf } from "./group.ts";

const tcpFlags = {
  ...createFlags,
  tcp: { kind: "list", help: "PORT, or PORT:TARGETPORT" },
} as const;

async function createService(
  kubectl: Kubectl,
  given: CreateFlags & { readonly tcp: readonly string[] },
  wanted: Omit<ServiceWanted, "tcp">,
): Promise<number> {
  const tcp = given.tcp.flatMap((words) => words.split(","));
  await createObject(kubectl, given, {
    resource: "services",
    object: service({ ...wanted, tcp }),
    failing: `failed to create ${wanted.type} service:`,
  });
  return 0;
}

const clusterIp = defineCommand({
  usage: "create service clusterip NAME --tcp=PORT[:TARGETPORT]",
  flags: { ...tcpFlags, clusterip: { kind: "text", help: "Its address, or None" } } as const,
  run: async (kubectl, { flags, args }) =>
    createService(kubectl, flags, {
      name: onlyName(args, "create service clusterip"),
      type: "ClusterIP",
      clusterIP: flags.clusterip,
    }),
});

const nodePort = defineCommand({
  usage: "create service nodeport NAME --tcp=PORT[:TARGETPORT] [--node-port=PORT]",
  flags: { ...tcpFlags, "node-port": { kind: "number", help: "The port at every node" } } as const,
  run: async (kubectl, { flags, args }) =>
    createService(kubectl, flags, {
      name: onlyName(args, "create service nodeport"),
      type: "NodePort",
      nodePort: flags["node-port"],
    }),
});

const loadBalancer = defineCommand({
  usage: "create service loadbalancer NAME --tcp=PORT[:TARGETPORT]",
  flags: tcpFlags,
  run: async (kubectl, { flags, args }) =>
    createService(kubectl, flags, {
      name: onlyName(args, "create service loadbalancer"),
      type: "LoadBalancer",
    }),
});

const externalName = defineCommand({
  usage: "create service externalname NAME --external-name=DNSNAME",
  flags: { ...tcpFlags, "external-name": { kind: "text", help: "The name that it stands for" } },
  run: async (kubectl, { flags, args }) => {
    required(flags, "external-name");
    return createService(kubectl, flags, {
      name: onlyName(args, "create service externalname"),
      type: "ExternalName",
      externalName: flags["external-name"],
    });
  },
});

const entry = (name: string, summary: string, command: Command): CommandEntry => ({
  name,
  summary,
  load: async () => command,
});

export const createServiceGroup = groupOf("create service", [
  entry("clusterip", "At an address within the cluster", clusterIp),
  entry("externalname", "Another name's name", externalName),
  entry("loadbalancer", "At an address that the outside balances to", loadBalancer),
  entry("nodeport", "At a port of every node", nodePort),
]);
