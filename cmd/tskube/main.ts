/** tskube: a whole cluster in one process, and what belongs to it. */
import { kubernetesVersion } from "../../api/version.ts";
import { runCommands, type Commands } from "../wiring/run-commands.ts";

const commands: Commands = {
  up: {
    about: "run a cluster of one node; --simulate needs no privileges",
    run: async (words) => (await import("./up.ts")).up(words),
  },
  down: {
    about: "stop it and remove what it left on this machine",
    run: async (words) => (await import("./down.ts")).down(words),
  },
  node: {
    about: "run this machine as a node of a cluster (started by tsadm)",
    run: async (words) => (await import("./node.ts")).node(words),
  },
  supervisor: {
    about: "own the node's containers (started by up and node)",
    run: async (words) => (await import("./supervisor.ts")).supervisor(words),
  },
  version: {
    about: "print the version",
    run: async () => void process.stdout.write(`${kubernetesVersion}\n`),
  },
};

await runCommands("tskube", commands, process.argv.slice(2));
