/** tsadm: starts clusters, lets machines join and leave them, as kubeadm does. */
import { kubernetesVersion } from "../../api/version.ts";

const commands: Readonly<
  Record<string, { readonly about: string; readonly run: () => Promise<void> }>
> = {
  init: {
    about: "make this machine the first of a cluster",
    run: async () => (await import("./init.ts")).init(words),
  },
  join: {
    about: "let this machine join a cluster",
    run: async () => (await import("./join.ts")).join(words),
  },
  reset: {
    about: "remove all that init or join made on this machine",
    run: async () => (await import("./reset.ts")).reset(words),
  },
  token: {
    about: "what machines join with: create, list, delete, generate",
    run: async () => (await import("./token.ts")).token(words),
  },
  certs: {
    about: "certificates: check-expiration, renew",
    run: async () => (await import("./certs.ts")).certs(words),
  },
  config: {
    about: "configuration files: print init-defaults, print join-defaults, images list",
    run: async () => (await import("./config.ts")).config(words),
  },
  version: {
    about: "print the version",
    run: async () => void process.stdout.write(`tsadm version: ${kubernetesVersion}\n`),
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
  const head = isHelp ? "tsadm COMMAND [--help]" : `tsadm: unknown command "${name}"`;
  (isHelp ? process.stdout : process.stderr).write(`${head}\n\nCommands:\n${lines.join("\n")}\n`);
  process.exitCode = isHelp ? 0 : 2;
}
