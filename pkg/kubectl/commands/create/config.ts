/** create configmap, create secret generic, tls, docker-registry. */
import { UsageError } from "../../../base/flags.ts";
import { defineCommand, type Command, type CommandEntry, type Kubectl } from "../../command.ts";
import {
  configMap,
  dockerConfigJson,
  secret,
  withHashedName,
  type Generated,
} from "../../generate/config-plan.ts";
import { keyPairProblem } from "../../generate/key-pair.ts";
import { createFlags, createObject, onlyName, type CreateFlags } from "./create-object.ts";
import { dataEntries, dataFlags } from "./data-sources.ts";
import { groupOf } from "./group.ts";

export const createConfigMap = defineCommand({
  usage: "create configmap NAME [--from-file=[KEY=]FILE] [--from-literal=KEY=VALUE]",
  flags: { ...createFlags, ...dataFlags },
  run: async (kubectl, { flags, args }) => {
    const name = onlyName(args, "create configmap");
    const object = configMap(name, await dataEntries(kubectl, flags));
    await createObject(kubectl, flags, {
      resource: "configmaps",
      object: flags["append-hash"] ? await withHashedName(object) : object,
      failing: "failed to create configmap:",
    });
    return 0;
  },
});

async function createSecretObject(
  kubectl: Kubectl,
  given: CreateFlags & { readonly "append-hash": boolean },
  object: Generated,
): Promise<number> {
  await createObject(kubectl, given, {
    resource: "secrets",
    object: given["append-hash"] ? await withHashedName(object) : object,
    failing: "failed to create secret",
  });
  return 0;
}

const generic = defineCommand({
  usage: "create secret generic NAME [--type=TYPE] [--from-file=[KEY=]FILE] [--from-literal=K=V]",
  flags: {
    ...createFlags,
    ...dataFlags,
    type: { kind: "text", help: "The secret's type" },
  } as const,
  run: async (kubectl, { flags, args }) => {
    const name = onlyName(args, "create secret generic");
    const object = secret(name, flags.type, await dataEntries(kubectl, flags));
    return createSecretObject(kubectl, flags, object);
  },
});

const hashFlag = { "append-hash": dataFlags["append-hash"] } as const;

async function pemOf(kubectl: Kubectl, path: string): Promise<Uint8Array> {
  return kubectl.files.readBytes(path).catch((error: unknown) => {
    if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
    throw new UsageError(`Cannot read file ${path}, open ${path}: no such file or directory`);
  });
}

const tls = defineCommand({
  usage: "create secret tls NAME --cert=FILE --key=FILE",
  flags: {
    ...createFlags,
    ...hashFlag,
    cert: { kind: "text", help: "File with the certificate, as PEM" },
    key: { kind: "text", help: "File with its private key, as PEM" },
  } as const,
  run: async (kubectl, { flags, args }) => {
    const name = onlyName(args, "create secret tls");
    const { cert, key } = flags;
    if (cert === undefined || key === undefined)
      throw new UsageError("key and cert must be specified");
    const [certificate, privateKey] = [await pemOf(kubectl, cert), await pemOf(kubectl, key)];
    const problem = keyPairProblem(certificate, privateKey);
    if (problem !== undefined) throw new UsageError(problem);
    const object = secret(name, "kubernetes.io/tls", [
      { key: "tls.crt", value: certificate },
      { key: "tls.key", value: privateKey },
    ]);
    return createSecretObject(kubectl, flags, object);
  },
});

const dockerHub = "https://index.docker.io/v1/";
const dockerKey = ".dockerconfigjson";

const dockerRegistry = defineCommand({
  usage: "create secret docker-registry NAME --docker-username=USER --docker-password=PASSWORD",
  flags: {
    ...createFlags,
    ...hashFlag,
    "docker-username": { kind: "text", help: "Who logs in" },
    "docker-password": { kind: "text", help: "With which password" },
    "docker-email": { kind: "text", help: "Address of whom to write to" },
    "docker-server": { kind: "text", help: `Where (${dockerHub})` },
    "from-file": { kind: "list", help: "A file in the format of ~/.docker/config.json" },
  } as const,
  run: async (kubectl, { flags, args }) => {
    const name = onlyName(args, "create secret docker-registry");
    const username = flags["docker-username"] ?? "";
    const password = flags["docker-password"] ?? "";
    const server = flags["docker-server"] ?? dockerHub;
    const fromFile = flags["from-file"];
    if (fromFile.length === 0 && (username === "" || password === "" || server === "")) {
      throw new UsageError(
        "either --from-file or the combination of --docker-username, --docker-password and --docker-server is required",
      );
    }
    const login = { server, username, password, email: flags["docker-email"] };
    const sources = { "from-file": fromFile, "from-literal": [], "from-env-file": [] };
    const entries =
      fromFile.length === 0
        ? [{ key: dockerKey, value: new TextEncoder().encode(dockerConfigJson(login)) }]
        : (await dataEntries(kubectl, sources)).map(({ value }) => ({ key: dockerKey, value }));
    const object = secret(name, "kubernetes.io/dockerconfigjson", entries);
    return createSecretObject(kubectl, flags, object);
  },
});

const entry = (name: string, summary: string, command: Command): CommandEntry => ({
  name,
  summary,
  load: async () => command,
});

export const createSecret = groupOf("create secret", [
  entry("docker-registry", "A login at a registry of images", dockerRegistry),
  entry("generic", "Contents of files, folders or words", generic),
  entry("tls", "A certificate with its key", tls),
]);
