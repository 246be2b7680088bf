import { defineCommand, type Kubectl } from "../command.ts";
import { UsageError } from "../../base/flags.ts";
import { eachOf } from "../failures.ts";
import { chooseObjects, type ObjectTarget } from "../object-args.ts";
import { qualifiedKind } from "../resource-mapper.ts";
import { dryRunMark } from "../write-request.ts";

interface Scale {
  readonly spec?: { readonly replicas?: number };
}

interface Size {
  readonly replicas: number;
  /** Only when this is the size now. */
  readonly current: number | undefined;
  readonly dryRun: string | undefined;
}

async function scaleOne(kubectl: Kubectl, target: ObjectTarget, size: Size): Promise<void> {
  const path = `${target.path}/scale`;
  if (size.current !== undefined) {
    const now = (await kubectl.api.send<Scale>({ method: "GET", path })).spec?.replicas ?? 0;
    if (now !== size.current)
      throw new UsageError(`Expected replicas to be ${size.current}, was ${now}`);
  }
  if (size.dryRun !== "client") {
    await kubectl.api.send({
      method: "PATCH",
      path: size.dryRun === "server" ? `${path}?dryRun=All` : path,
      contentType: "application/merge-patch+json",
      body: { spec: { replicas: size.replicas } },
    });
  }
  const name = `${qualifiedKind(target.resource)}/${target.name}`;
  kubectl.terminal.out(`${name} scaled${dryRunMark(size.dryRun)}\n`);
}

export const scale = defineCommand({
  usage: "scale --replicas=COUNT (-f FILE | TYPE NAME | TYPE/NAME ...)",
  flags: {
    replicas: { kind: "number", help: "The new number of replicas" },
    "current-replicas": { kind: "number", help: "Scale only when this is the number now" },
    filename: { short: "f", kind: "list", help: "Files that name the objects" },
    recursive: { short: "R", kind: "bool", help: "Read folders of -f to the bottom" },
    selector: { short: "l", kind: "text", help: "Label selector" },
    all: { kind: "bool", help: "All objects of the type in the namespace" },
    "dry-run": { kind: "text", alone: "client", help: "none, client or server" },
  } as const,
  run: async (kubectl, { flags, args }) => {
    const { replicas } = flags;
    if (replicas === undefined) throw new UsageError('required flag(s) "replicas" not set');
    if (replicas < 0) {
      throw new UsageError(
        "The --replicas=COUNT flag is required, and COUNT must be greater than or equal to 0",
      );
    }
    const targets = await chooseObjects(kubectl, args, { ...flags, allNamespaces: false });
    if (targets.length === 0) throw new UsageError("no objects passed to scale");
    const current = flags["current-replicas"];
    const size = { replicas, current, dryRun: flags["dry-run"] };
    const failures = await eachOf(targets, (target) => scaleOne(kubectl, target, size));
    if (failures !== undefined) throw failures;
    return 0;
  },
});
