/** tskube: a whole cluster in one process, and what belongs to it. */
import { kubernetesVersion } from "../../api/version.ts";

const commands: Readonly<
  Record<string, { readonly about: string; readonly run: () => Promise<void> }>
> = {
  up: {
    about: "run a cluster of one node; --simulate needs no privileges",
    run: async () => (await import("./up.ts")).up(words),
  },
  down: {
    about: "stop it and remove what it left on this machine",
    run: async () => (await import("./down.ts")).down(words),
  },
  node: {
    about: "run this machine as a node of a cluster (started by tsadm)",
    run: async () => (await import("./node.ts")).node(words),
  },
  supervisor: {
    about: "own the node's containers (started by up and node)",
    run: async () => (await import("./supervisor.ts")).supervisor(words),
  },
  version: {
    about: "print the version",
    run: async () => void process.stdout.write(`${kubernetesVersion}\n`),
  },
};

const [name = "help", ...words] = process.argv.slice(2);
const command = commands[name];
if (command !== undefined) await command.run();
else {
  const lines = Object.entries(commands).map(
    ([word, { about }]) => `  ${word.padEnd(12)} ${about}`,
  );
  const isHelp = ["help", "--help", "-h"].includes(name);
  const head = isHelp ? "tskube COMMAND [--help]" : `tskube: unknown command "${name}"`;
  (isHelp ? process.stdout : process.stderr).write(`${head}\n\nCommands:\n${lines.join("\n")}\n`);
  process.exitCode = isHelp ? 0 : 2;
}
