import { UsageError } from "../base/flags.ts";
import type { Kubectl } from "./command.ts";
import { chooseObjects, type ObjectTarget } from "./object-args.ts";

/** The nodes of `NODE ...`, `node/NODE ...` or -l. Throws UsageError where none is named. */
export async function chooseNodes(
  kubectl: Kubectl,
  args: readonly string[],
  selector: string | undefined,
): Promise<readonly ObjectTarget[]> {
  if (args.length > 0 && selector !== undefined)
    throw new UsageError("cannot specify both a node name and a --selector option");
  if (args.length === 0 && selector === undefined)
    throw new UsageError("say which nodes: NODE ... or -l SELECTOR");
  const names = args.map((word) => word.replace(/^(?:nodes?|no)\//, ""));
  return chooseObjects(kubectl, ["nodes", ...names], {
    filename: [],
    recursive: false,
    selector,
    all: false,
    allNamespaces: false,
  });
}
