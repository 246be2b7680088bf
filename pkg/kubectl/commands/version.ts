import { UsageError } from "../../base/flags.ts";
import { defineCommand, type Kubectl } from "../command.ts";
import { jsonText } from "../print/json-text.ts";
import { yamlText } from "../print/yaml-text.ts";

interface VersionInfo {
  readonly gitVersion: string;
}
interface Versions {
  readonly clientVersion: VersionInfo;
  readonly serverVersion?: VersionInfo;
}

/** "v1.37.0" in the parts in which a server tells its own. */
function versionInfo(gitVersion: string): VersionInfo & Readonly<Record<string, string>> {
  const [major = "", minor = ""] = gitVersion.replace(/^v/, "").split(".");
  return { major, minor, gitVersion, compiler: "node" };
}

function print({ terminal }: Kubectl, versions: Versions, format: string | undefined): void {
  if (format === "json") return terminal.out(`${jsonText(versions, 2)}\n`);
  if (format === "yaml") return terminal.out(yamlText(versions));
  const { clientVersion, serverVersion } = versions;
  terminal.out(`Client Version: ${clientVersion.gitVersion}\n`);
  if (serverVersion !== undefined) terminal.out(`Server Version: ${serverVersion.gitVersion}\n`);
}

export const version = defineCommand({
  usage: "version [--client] [-o json|yaml]",
  flags: {
    client: { kind: "bool", help: "Only the client's: no server is asked" },
    output: { short: "o", kind: "text", help: "json or yaml" },
  } as const,
  run: async (kubectl, { flags }) => {
    if (!["", "json", "yaml"].includes(flags.output ?? ""))
      throw new UsageError("--output must be 'yaml' or 'json'");
    const own = { clientVersion: versionInfo(kubectl.clientVersion) };
    let problem: unknown;
    const serverVersion = flags.client
      ? undefined
      : await kubectl.api
          .send<VersionInfo>({ method: "GET", path: "/version" })
          .catch((error: unknown) => void (problem = error));
    print(kubectl, serverVersion === undefined ? own : { ...own, serverVersion }, flags.output);
    if (problem !== undefined) throw problem;
    return 0;
  },
});
