import type { Container, PodSpec } from "../../../api/core/v1.ts";
import type { KubeObject } from "../../../api/resource.ts";
import { UsageError, type Flags } from "../../base/flags.ts";
import { defineCommand, type Kubectl } from "../command.ts";
import { eachOf } from "../failures.ts";
import { chooseObjects, type ObjectTarget } from "../object-args.ts";
import { qualifiedKind } from "../resource-mapper.ts";
import { planEnv, planImages, type ContainerChanges } from "../set-plan.ts";
import { dryRunMark } from "../write-request.ts";

const flags = {
  filename: { short: "f", kind: "list", help: "Files that name the objects" },
  recursive: { short: "R", kind: "bool", help: "Read folders of -f to the bottom" },
  selector: { short: "l", kind: "text", help: "Label selector" },
  all: { kind: "bool", help: "All objects of the type in the namespace" },
  containers: { short: "c", kind: "text", help: "env: only in this container (* is all)" },
  list: { kind: "bool", help: "env: print the variables" },
  "dry-run": { kind: "text", alone: "client", help: "none, client or server" },
} as const;
type SetFlags = Flags<typeof flags>;

/** A workload with a pod template, or a pod itself. */
interface Workload extends KubeObject {
  readonly spec?: { readonly template?: { readonly spec?: PodSpec } } & Partial<PodSpec>;
}
interface Setting {
  readonly kubectl: Kubectl;
  readonly given: SetFlags;
  /** "web=nginx:2" */
  readonly words: readonly string[];
}

const isPod = ({ resource }: ObjectTarget): boolean =>
  resource.group === "" && resource.plural === "pods";

const plans: Readonly<
  Record<string, (containers: readonly Container[], setting: Setting) => ContainerChanges>
> = {
  image: (containers, { words }) => planImages(containers, words),
  env: (containers, { words, given }) => {
    const asked = given.containers ?? "*";
    return planEnv(
      containers.filter(({ name }) => asked === "*" || name === asked),
      words,
    );
  },
};

function tellEnv({ kubectl }: Setting, object: Workload, containers: readonly Container[]): void {
  for (const { name, env = [] } of containers) {
    kubectl.terminal.out(
      `# ${object.kind ?? ""} ${object.metadata?.name ?? ""}, container ${name}\n`,
    );
    for (const one of env)
      kubectl.terminal.out(
        one.valueFrom === undefined
          ? `${one.name}=${one.value ?? ""}\n`
          : `# ${one.name} from elsewhere\n`,
      );
  }
}

async function setOne(setting: Setting, what: string, target: ObjectTarget): Promise<void> {
  const { kubectl, given } = setting;
  const object = await kubectl.api.send<Workload>({ method: "GET", path: target.path });
  const spec = isPod(target) ? object.spec : object.spec?.template?.spec;
  const containers = spec?.containers ?? [];
  if (what === "env" && given.list) return tellEnv(setting, object, containers);
  const changes = plans[what]?.(containers, setting) ?? [];
  if (changes.length === 0) return;
  if (given["dry-run"] !== "client") {
    const pod = { spec: { containers: changes } };
    const query = new URLSearchParams({ fieldManager: "kubectl-set" });
    if (given["dry-run"] === "server") query.set("dryRun", "All");
    await kubectl.api.send({
      method: "PATCH",
      path: `${target.path}?${query}`,
      contentType: "application/strategic-merge-patch+json",
      body: isPod(target) ? pod : { spec: { template: pod } },
    });
  }
  const name = `${qualifiedKind(target.resource)}/${target.name}`;
  kubectl.terminal.out(`${name} ${what} updated${dryRunMark(given["dry-run"])}\n`);
}

export const set = defineCommand({
  usage: "set (image | env) (-f FILE | TYPE NAME) (CONTAINER=IMAGE | NAME=VALUE | NAME-) ...",
  flags,
  run: async (kubectl, { flags: given, args }) => {
    const [what = "", ...rest] = args;
    if (plans[what] === undefined) {
      throw new UsageError(
        `unknown command "${what}"\nSee 'tskubectl set -h' for help and examples`,
      );
    }
    const isChange = (word: string): boolean =>
      /=/.test(word) || (what === "env" && /.-$/.test(word));
    const words = rest.filter(isChange);
    if (words.length === 0 && !given.list)
      throw new UsageError(
        `at least one ${what === "env" ? "environment variable" : "image update"} is required`,
      );
    const names = rest.filter((word) => !isChange(word));
    const targets = await chooseObjects(kubectl, names, { ...given, allNamespaces: false });
    const setting = { kubectl, given, words };
    const failures = await eachOf(targets, (target) => setOne(setting, what, target));
    if (failures !== undefined) throw failures;
    return 0;
  },
});
