/** tskubectl: arguments and the environment in, one command run, its exit code out. */
import { homedir } from "node:os";
import { delimiter, join } from "node:path";
import { chainOf } from "../../pkg/base/errors.ts";
import { systemClock } from "../../pkg/base/system-clock.ts";
import type { ClusterAccess } from "../../pkg/client/cluster-access.ts";
import { briefTransport } from "../../pkg/client/brief-transport.ts";
import { chooseContext, readKubeconfigs, type ChosenContext } from "../../pkg/client/kubeconfig.ts";
import { createApi } from "../../pkg/kubectl/api.ts";
import { commands } from "../../pkg/kubectl/commands.ts";
import type { Kubectl } from "../../pkg/kubectl/command.ts";
import { knownMapper } from "../../pkg/kubectl/known-resources.ts";
import { ResourceMapper } from "../../pkg/kubectl/resource-mapper.ts";
import { describeFailure } from "../../pkg/kubectl/failures.ts";
import type { GlobalFlags } from "../../pkg/kubectl/global-flags.ts";
import { parseInvocation, runCommand } from "../../pkg/kubectl/run.ts";
import { kubernetesVersion } from "../../api/version.ts";
import { systemFiles } from "./files.ts";
import { kubeconfigFiles } from "./kubeconfig-files.ts";
import { processTerminal } from "./terminal.ts";

const adminKubeconfig = "/etc/tskube/admin.conf";

/** What is given wins; without anything the admin's file, then the user's own. */
function kubeconfigPaths(flags: GlobalFlags): readonly string[] {
  if (flags.kubeconfig !== undefined) return [flags.kubeconfig];
  const fromEnvironment = process.env["KUBECONFIG"];
  if (fromEnvironment !== undefined && fromEnvironment !== "")
    return fromEnvironment.split(delimiter);
  return [adminKubeconfig, join(homedir(), ".kube/config")];
}

const overrides = ({ context, cluster, user, server, token, namespace }: GlobalFlags) =>
  Object.fromEntries(
    Object.entries({ context, cluster, user, server, token, namespace }).filter(
      ([, value]) => value !== undefined,
    ),
  );

async function chosenContext(flags: GlobalFlags): Promise<ChosenContext> {
  try {
    return chooseContext(
      await readKubeconfigs(kubeconfigPaths(flags)),
      systemClock,
      overrides(flags),
    );
  } catch (error) {
    // --server alone is enough.
    if (flags.server === undefined || flags.kubeconfig !== undefined) throw error;
    return chooseContext({}, systemClock, overrides(flags));
  }
}

function accessOf({ access }: ChosenContext, flags: GlobalFlags): ClusterAccess {
  const file = (path: string) => () => systemFiles.readText(path);
  const {
    "client-certificate": certificate,
    "client-key": key,
    "certificate-authority": ca,
  } = flags;
  return {
    ...access,
    ...(flags["insecure-skip-tls-verify"] ? { insecureSkipTlsVerify: true } : {}),
    ...(ca === undefined ? {} : { certificateAuthority: file(ca) }),
    ...(certificate === undefined || key === undefined
      ? {}
      : {
          clientCertificate: async () => ({
            certificate: await systemFiles.readText(certificate),
            key: await systemFiles.readText(key),
          }),
        }),
    ...(flags.as === undefined
      ? {}
      : { impersonate: { user: flags.as, groups: flags["as-group"] } }),
  };
}

/**
 * Without this Node parses every public authority, although the server's own is given. An import
 * of node:tls would do the same: it evaluates the list that the module offers.
 */
async function trustOnly({ certificateAuthority }: ClusterAccess): Promise<void> {
  if (certificateAuthority === undefined) return;
  process.getBuiltinModule("node:tls").setDefaultCACertificates([await certificateAuthority()]);
}

const nowhere: ChosenContext = {
  context: "",
  namespace: "default",
  access: { server: "https://nowhere" },
};

async function main(words: readonly string[], signal: AbortSignal): Promise<number> {
  const invocation = await parseInvocation(words);
  if (invocation.do === "help") {
    process.stdout.write(invocation.text);
    return 0;
  }
  const { globals } = invocation;
  // Commands that ask no server need no kubeconfig: its lack is told when one does.
  const context = await chosenContext(globals).catch((lack: unknown) => ({ ...nowhere, lack }));
  const access = accessOf(context, globals);
  await trustOnly(access);
  const transport =
    "lack" in context
      ? { send: () => Promise.reject(context.lack), close: () => undefined }
      : briefTransport(access);
  using _connection = { [Symbol.dispose]: () => transport.close() };
  const api = createApi(transport.send, `tskubectl/${kubernetesVersion}`, signal);
  let mapper: Promise<ResourceMapper> | undefined;
  const kubectl: Kubectl = {
    api,
    mapper: async (named) =>
      (named === undefined ? undefined : knownMapper(named)) ??
      (mapper ??= ResourceMapper.discover(api, signal)),
    namespace: context.namespace,
    namespaceIsAsked: globals.namespace !== undefined,
    terminal: processTerminal(),
    files: systemFiles,
    kubeconfig: kubeconfigFiles(kubeconfigPaths(globals)),
    openExec: async (path, life) =>
      (await import("../../pkg/client/exec-streams.ts")).openExecStreams(access, path, life),
    openForward: async (path, life) =>
      (await import("../../pkg/client/port-forward-streams.ts")).openPortForward(
        access,
        path,
        life,
      ),
    local: async () => (await import("./local-machine.ts")).localMachine,
    clock: systemClock,
    signal,
    server: access.server,
    clientVersion: kubernetesVersion,
    commands,
  };
  try {
    return await runCommand(invocation, kubectl);
  } catch (error) {
    if (signal.aborted) return 130;
    throw new Error(describeFailure(error, access.server), { cause: "told" });
  }
}

const stop = new AbortController();
for (const name of ["SIGINT", "SIGTERM"] as const) process.once(name, () => stop.abort());
// A reader that has seen enough (head, grep -q) is no failure.
process.stdout.on("error", () => process.exit(0));

function fail(error: unknown): number {
  const isTold = error instanceof Error && error.cause === "told";
  process.stderr.write(`${isTold ? error.message : `error: ${chainOf(error)}`}\n`);
  return 1;
}

// Not awaited: parts that are loaded later may need parts of this one.
void main(process.argv.slice(2), stop.signal)
  .catch(fail)
  .then((exitCode) => {
    process.exitCode = exitCode;
    // Standard input may still be open: nobody waits for it. Nor for Node to take down what it has
    // built, once all that was written is on its way.
    if (process.stdout.writableLength === 0) process.exit();
    process.stdout.write("", () => process.exit());
  });
