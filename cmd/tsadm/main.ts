/** tsadm: starts clusters, lets machines join and leave them, as kubeadm does. */
import { kubernetesVersion } from "../../api/version.ts";
import { runCommands, type Commands } from "../wiring/run-commands.ts";

const commands: Commands = {
  init: {
    about: "make this machine the first of a cluster",
    run: async (words) => (await import("./init.ts")).init(words),
  },
  join: {
    about: "let this machine join a cluster",
    run: async (words) => (await import("./join.ts")).join(words),
  },
  reset: {
    about: "remove all that init or join made on this machine",
    run: async (words) => (await import("./reset.ts")).reset(words),
  },
  token: {
    about: "what machines join with: create, list, delete, generate",
    run: async (words) => (await import("./token.ts")).token(words),
  },
  certs: {
    about: "certificates: check-expiration, renew, generate-csr",
    run: async (words) => (await import("./certs.ts")).certs(words),
  },
  config: {
    about: "configuration files and images: print, validate, images",
    run: async (words) => (await import("./config.ts")).config(words),
  },
  version: {
    about: "print the version",
    run: async () => void process.stdout.write(`tsadm version: ${kubernetesVersion}\n`),
  },
};

await runCommands("tsadm", commands, process.argv.slice(2));
