import { initDefaults, joinDefaults } from "../../pkg/kubeadm/configuration.ts";
import { specDefaults } from "../../pkg/kubeadm/cluster-spec.ts";

const printed: Readonly<Record<string, () => string>> = {
  "print init-defaults": initDefaults,
  "print join-defaults": joinDefaults,
  "images list": () => `${Object.values(specDefaults.images).join("\n")}\n`,
};

/** `config print init-defaults|join-defaults`, `config images list`. */
export function config(words: readonly string[]): void {
  const text = printed[words.slice(0, 2).join(" ")];
  if (text !== undefined) return void process.stdout.write(text());
  const lines = Object.keys(printed).map((name) => `  tsadm config ${name}`);
  process.stderr.write(`say one of:\n${lines.join("\n")}\n`);
  process.exitCode = 2;
}
