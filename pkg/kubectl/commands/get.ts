import { UsageError } from "../../base/flags.ts";
import { defineCommand, type Kubectl } from "../command.ts";
import { askedOf } from "../get/fetch.ts";
import { getFlags } from "../get/get-flags.ts";
import { printTables } from "../get/print-tables.ts";

async function printRaw({ api, terminal }: Kubectl, path: string): Promise<number> {
  for await (const piece of await api.stream({ method: "GET", path, accept: "*/*" }))
    await terminal.write(1, piece);
  return 0;
}

const nothingAsked = [
  'You must specify the type of resource to get. Use "kubectl api-resources" for a complete list of supported resources.',
  "",
  "error: Required resource not specified.",
  'Use "kubectl explain <resource>" for a detailed description of that resource (e.g. kubectl explain pods).',
  "See 'kubectl get -h' for help and examples",
].map((line) => `${line.replaceAll("kubectl", "tskubectl")}\n`);

export const get = defineCommand({
  usage: "get TYPE[,TYPE...] [NAME ...] | TYPE/NAME ... [-o FORMAT] [-l SELECTOR] [-w] [-A]",
  flags: getFlags,
  run: async (kubectl, { flags: given, args }) => {
    if (given.raw !== undefined) return printRaw(kubectl, given.raw);
    if (args.length === 0 && given.filename.length === 0) {
      kubectl.terminal.err(nothingAsked.join(""));
      return 1;
    }
    const asked = await askedOf(kubectl, given, args);
    const isWatch = given.watch || given["watch-only"];
    if (isWatch && new Set(asked.map(({ target }) => target.resource)).size > 1)
      throw new UsageError("you may only specify a single resource type");
    const isTable = given.output === undefined || given.output === "" || given.output === "wide";
    if (isTable) return printTables(kubectl, asked, given);
    const { printObjects } = await import("../get/print-objects.ts");
    return printObjects(kubectl, asked, given);
  },
});
