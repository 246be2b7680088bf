import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { rfc3339 } from "../../pkg/base/clock.ts";
import { UsageError } from "../../pkg/base/flags.ts";
import { specDefaults } from "../../pkg/kubeadm/cluster-spec.ts";
import { shortHumanDuration } from "../../pkg/machinery/human-duration.ts";
import { readPkiFolder, renewLeaves, type KnownCertificate } from "../../pkg/kubeadm/renew.ts";
import { logFlags, systemDoors } from "../wiring/doors.ts";
import { runProgram } from "../wiring/run-program.ts";

const text = {
  name: "tsadm certs",
  about:
    "certs check-expiration | renew all|NAME: the certificates and kubeconfigs of this machine",
};
const flags = {
  "config-dir": { kind: "text", help: `Where they are (${specDefaults.configFolder})` },
  ...logFlags,
} as const;

const say = (line: string): void => void process.stdout.write(`${line}\n`);

function table(found: readonly KnownCertificate[], nowMs: number): void {
  const part = (title: string, isAuthority: boolean): void => {
    const rows = found
      .filter((one) => one.isAuthority === isAuthority)
      .map((one) => [
        one.file,
        rfc3339(one.notAfterMs),
        shortHumanDuration(one.notAfterMs - nowMs),
        one.authority,
      ]);
    const header = [title, "EXPIRES", "RESIDUAL TIME", isAuthority ? "" : "CERTIFICATE AUTHORITY"];
    for (const [name = "", ends = "", left = "", by = ""] of [header, ...rows]) {
      say(`${name.padEnd(30)}${ends.padEnd(23)}${left.padEnd(16)}${by}`.trimEnd());
    }
  };
  part("CERTIFICATE", false);
  say("");
  part("CERTIFICATE AUTHORITY", true);
}

export const certs = ([verb = "", ...words]: readonly string[]): Promise<void> =>
  runProgram(
    text,
    flags,
    async ({ flags: given, args: [name] }) => {
      const doors = systemDoors("tsadm", given["log-level"] ?? "warn");
      const folder = given["config-dir"] ?? specDefaults.configFolder;
      const found = await readPkiFolder(folder, (path) => readFile(path, "utf8"));
      if (found.length === 0)
        throw new Error(`there are no certificates in ${join(folder, "pki")}`);
      if (verb === "check-expiration") return table(found, doors.clock.now());
      if (verb !== "renew") throw new UsageError("say check-expiration or renew");
      if (name === undefined) throw new UsageError("say which, or all");
      for (const file of await renewLeaves(folder, found, name, doors)) say(`renewed ${file}`);
      say("Restart what uses them: move each manifest out of the manifests folder and back.");
    },
    verb.startsWith("-") ? [verb, ...words] : words,
  );
