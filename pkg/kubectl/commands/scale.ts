import { defineCommand } from "../command.ts";
import { UsageError } from "../../base/flags.ts";
import { chooseObjects } from "../object-args.ts";
import { qualifiedKind } from "../resource-mapper.ts";

interface Scale {
  readonly spec?: { readonly replicas?: number };
}

export const scale = defineCommand({
  name: "scale",
  summary: "Set a new size for a deployment or replica set",
  usage: "scale --replicas=COUNT (-f FILE | TYPE NAME | TYPE/NAME ...)",
  flags: {
    replicas: { kind: "number", help: "The new number of replicas" },
    "current-replicas": { kind: "number", help: "Scale only when this is the number now" },
    filename: { short: "f", kind: "list", help: "Files that name the objects" },
    recursive: { short: "R", kind: "bool", help: "Read folders of -f to the bottom" },
    selector: { short: "l", kind: "text", help: "Label selector" },
    all: { kind: "bool", help: "All objects of the type in the namespace" },
  } as const,
  run: async (kubectl, { flags, args }) => {
    const { replicas } = flags;
    if (replicas === undefined || replicas < 0) {
      throw new UsageError(
        "The --replicas=COUNT flag is required, and COUNT must be greater than or equal to 0",
      );
    }
    const choice = { ...flags, allNamespaces: false };
    const targets = await chooseObjects(kubectl, args, choice);
    if (targets.length === 0) throw new UsageError("no objects passed to scale");
    for (const target of targets) {
      const path = `${target.path}/scale`;
      const wanted = flags["current-replicas"];
      if (wanted !== undefined) {
        const now = (await kubectl.api.send<Scale>({ method: "GET", path })).spec?.replicas ?? 0;
        if (now !== wanted) throw new UsageError(`Expected replicas to be ${wanted}, was ${now}`);
      }
      const body = { spec: { replicas } };
      await kubectl.api.send({
        method: "PATCH",
        path,
        contentType: "application/merge-patch+json",
        body,
      });
      kubectl.terminal.out(`${qualifiedKind(target.resource)}/${target.name} scaled\n`);
    }
    return 0;
  },
});
