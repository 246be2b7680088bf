import { chainOf } from "../../base/errors.ts";
import { defineCommand } from "../command.ts";
import { objectPrinter } from "../print/output.ts";

export const version = defineCommand({
  name: "version",
  summary: "Print the client's and the server's version",
  usage: "version [--client] [-o json|yaml]",
  flags: {
    client: { kind: "bool", help: "Only the client's: no server is asked" },
    output: { short: "o", kind: "text", help: "json or yaml" },
  } as const,
  run: async (kubectl, { flags }) => {
    const clientVersion = { gitVersion: kubectl.clientVersion };
    let serverVersion: { gitVersion: string } | undefined;
    let problem: unknown;
    if (!flags.client) {
      serverVersion = await kubectl.api
        .send<{ gitVersion: string }>({ method: "GET", path: "/version" })
        .catch((error: unknown) => void (problem = error));
    }
    const printer = objectPrinter(flags.output, () => "");
    if (printer !== undefined) {
      const both = { clientVersion, ...(serverVersion === undefined ? {} : { serverVersion }) };
      kubectl.terminal.out(await printer(both));
    } else {
      kubectl.terminal.out(`Client Version: ${clientVersion.gitVersion}\n`);
      if (serverVersion !== undefined)
        kubectl.terminal.out(`Server Version: ${serverVersion.gitVersion}\n`);
    }
    if (problem === undefined) return 0;
    kubectl.terminal.err(
      `The connection to the server ${kubectl.server} was refused or failed: ${chainOf(problem)}\n`,
    );
    return 1;
  },
});
