import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { UsageError } from "../../pkg/base/flags.ts";
import { clusterPkiOf, specDefaults } from "../../pkg/kubeadm/cluster-spec.ts";
import { initFileOf } from "../../pkg/kubeadm/configuration.ts";
import {
  readPkiFolder,
  renewLeaves,
  shownName,
  type KnownCertificate,
} from "../../pkg/kubeadm/renew.ts";
import { shortHumanDuration } from "../../pkg/machinery/human-duration.ts";
import { writeClusterRequests } from "../../pkg/pki/cluster-requests.ts";
import { defaultNodeAddress, defaultNodeName } from "../wiring/cluster-settings.ts";
import { logFlags, systemDoors } from "../wiring/doors.ts";
import { runCommands, type Commands } from "../wiring/run-commands.ts";
import { runProgram } from "../wiring/run-program.ts";
import { readConfigFileWarning } from "./config-file.ts";

const folderFlags = {
  "config-dir": { kind: "text", help: `Where they are (${specDefaults.configFolder})` },
  ...logFlags,
} as const;
const requestFlags = {
  config: { kind: "text", help: "File with InitConfiguration and ClusterConfiguration" },
  "cert-dir": { kind: "text", help: `For keys and requests (${specDefaults.configFolder}/pki)` },
  "kubeconfig-dir": { kind: "text", help: `For kubeconfigs (${specDefaults.configFolder})` },
} as const;

const say = (line: string): void => void process.stdout.write(`${line}\n`);

const months = "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split(" ");

/** "Nov 21, 2027 18:43 UTC" */
function dateOf(ms: number): string {
  const at = new Date(ms);
  const two = (value: number): string => String(value).padStart(2, "0");
  const day = `${months[at.getUTCMonth()]} ${two(at.getUTCDate())}, ${at.getUTCFullYear()}`;
  return `${day} ${two(at.getUTCHours())}:${two(at.getUTCMinutes())} UTC`;
}

/** In kubeadm's columns: authorities below what they have signed. */
function table(folder: string, found: readonly KnownCertificate[], nowMs: number): void {
  const managed = (authority: string): string =>
    existsSync(join(folder, "pki", `${authority}.key`)) ? "no" : "yes";
  const part = (title: string, isAuthority: boolean): void => {
    const rows = found
      .filter((one) => one.isAuthority === isAuthority)
      .map((one) => [
        shownName(one),
        dateOf(one.notAfterMs),
        shortHumanDuration(one.notAfterMs - nowMs),
        ...(isAuthority ? [] : [one.authority.replace("/", "-")]),
        managed(isAuthority ? one.file : one.authority),
      ]);
    const by = isAuthority ? [] : ["CERTIFICATE AUTHORITY"];
    const header = [title, "EXPIRES", "RESIDUAL TIME", ...by, "EXTERNALLY MANAGED"];
    const widths = [27, 25, 16, ...(isAuthority ? [] : [24]), 0];
    for (const row of [header, ...rows]) {
      say(
        row
          .map((cell, at) => cell.padEnd(widths[at] ?? 0))
          .join("")
          .trimEnd(),
      );
    }
  };
  part("CERTIFICATE", false);
  say("");
  part("CERTIFICATE AUTHORITY", true);
}

async function foundIn(folder: string): Promise<readonly KnownCertificate[]> {
  const found = await readPkiFolder(folder, (path) => readFile(path, "utf8"));
  if (found.length === 0) throw new Error(`there are no certificates in ${join(folder, "pki")}`);
  return found;
}

const checkExpiration = (words: readonly string[]): Promise<void> =>
  runProgram(
    {
      name: "tsadm certs check-expiration",
      about: "until when this machine's certificates are good",
    },
    folderFlags,
    async ({ flags: given }) => {
      const folder = given["config-dir"] ?? specDefaults.configFolder;
      table(folder, await foundIn(folder), systemDoors("tsadm", "warn").clock.now());
    },
    words,
  );

const renew = (words: readonly string[]): Promise<void> =>
  runProgram(
    {
      name: "tsadm certs renew",
      about: "renew all|NAME: signs certificates and kubeconfigs anew, with new keys",
    },
    folderFlags,
    async ({ flags: given, args: [name] }) => {
      const doors = systemDoors("tsadm", given["log-level"] ?? "warn");
      const folder = given["config-dir"] ?? specDefaults.configFolder;
      const found = await foundIn(folder);
      if (name === undefined) {
        const names = found.filter(({ isAuthority }) => !isAuthority).map(shownName);
        throw new UsageError(`say which: all, ${names.join(", ")}`);
      }
      for (const file of await renewLeaves(folder, found, name, doors)) say(`renewed ${file}`);
      say(
        "The API server takes its own up at once. Restart what else uses them: move each manifest " +
          "out of the manifests folder and back.",
      );
    },
    words,
  );

const generateCsr = (words: readonly string[]): Promise<void> =>
  runProgram(
    {
      name: "tsadm certs generate-csr",
      about: "keys and requests for an authority whose key is kept elsewhere",
    },
    requestFlags,
    async ({ flags: given }) => {
      const file = initFileOf(await readConfigFileWarning(given.config), given.config ?? "");
      const advertiseAddress = file.advertiseAddress ?? defaultNodeAddress();
      const { bindPort, ...defaults } = { ...specDefaults, ...file };
      const spec = {
        ...defaults,
        bindPort,
        advertiseAddress,
        nodeName: file.nodeName ?? defaultNodeName(),
        controlPlaneEndpoint: file.controlPlaneEndpoint ?? `${advertiseAddress}:${bindPort}`,
        certSANs: file.certSANs ?? [],
        token: "",
      };
      const { configFolder } = specDefaults;
      const written = await writeClusterRequests({
        ...clusterPkiOf(spec),
        folder: given["cert-dir"] ?? join(configFolder, "pki"),
        kubeconfigFolder: given["kubeconfig-dir"] ?? configFolder,
      });
      for (const path of written) say(`wrote ${path}`);
    },
    words,
  );

const commands: Commands = {
  "check-expiration": { about: "until when they are good", run: checkExpiration },
  renew: { about: "sign them anew: all, or one by its name", run: renew },
  "generate-csr": { about: "keys and requests for an authority elsewhere", run: generateCsr },
};

export const certs = (words: readonly string[]): Promise<void> =>
  runCommands("tsadm certs", commands, words);
