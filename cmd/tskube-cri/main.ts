/** tskube-cri: the container runtime of a node, as CRI v1 on a unix socket. */
import { serveCri } from "../../pkg/cri/grpc-server.ts";
import { criDefaults, openCriRuntime } from "../wiring/cri-runtime.ts";
import { logFlags, systemDoors } from "../wiring/doors.ts";
import { siblingProgram } from "../wiring/sibling-program.ts";
import { runProgram } from "../wiring/run-program.ts";

const text = { name: "tskube-cri", about: "runs pods' containers, as CRI asks it to" };
const flags = {
  socket: { kind: "text", help: `Where CRI is served (${criDefaults.socket})` },
  root: { kind: "text", help: `Images, records, address leases (${criDefaults.dataFolder})` },
  state: { kind: "text", help: `Namespaces, mounts, sockets (${criDefaults.runFolder})` },
  "pod-cidr": { kind: "text", help: `Addresses of this node's pods (${criDefaults.podCidr})` },
  "service-cidr": { kind: "text", help: `Addresses of Services (${criDefaults.serviceCidr})` },
  bridge: { kind: "text", help: `Name of the pods' bridge (${criDefaults.bridge})` },
  registries: { kind: "text", help: `Mirrors of registries (${criDefaults.registriesFile})` },
  ...logFlags,
} as const;

await runProgram(text, flags, async ({ flags: given }, signal) => {
  const doors = systemDoors(text.name, given["log-level"]);
  const options = {
    dataFolder: given.root ?? criDefaults.dataFolder,
    runFolder: given.state ?? criDefaults.runFolder,
    podCidr: given["pod-cidr"] ?? criDefaults.podCidr,
    serviceCidr: given["service-cidr"] ?? criDefaults.serviceCidr,
    bridge: given.bridge ?? criDefaults.bridge,
    registriesFile: given.registries ?? criDefaults.registriesFile,
    supervisor: siblingProgram("tskube-supervisor"),
  };
  await using runtime = await openCriRuntime(options, doors);
  const socket = given.socket ?? criDefaults.socket;
  const server = await serveCri(runtime.service, socket, doors.logger);
  doors.logger.info({ socket }, "serving CRI");
  await new Promise<void>((resolve) => {
    signal.addEventListener("abort", () => resolve(), { once: true });
  });
  await server.close();
});
