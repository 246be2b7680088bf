/** Which pods of a node drain takes away, which it leaves, and which it must not touch. Pure. */
import type { Pod } from "../../api/core/v1.ts";

export interface DrainFlags {
  readonly force: boolean;
  readonly "ignore-daemonsets": boolean;
  readonly "delete-emptydir-data": boolean;
}

export interface DrainPlan {
  readonly remove: readonly Pod[];
  /** For people: what is left or given up, and why. */
  readonly warnings: readonly string[];
  /** Not empty: nothing may be removed. */
  readonly refusals: readonly string[];
}

type Verdict =
  | { readonly do: "remove"; readonly warning?: string }
  | { readonly do: "leave"; readonly warning?: string }
  | { readonly do: "refuse"; readonly because: string };

const mirrorKey = "kubernetes.io/config.mirror";
const controllerOf = ({ metadata }: Pod) =>
  metadata?.ownerReferences?.find(({ controller }) => controller === true);
const isOver = ({ status }: Pod): boolean =>
  status?.phase === "Succeeded" || status?.phase === "Failed";
const hasLocalStorage = ({ spec }: Pod): boolean =>
  spec?.volumes?.some(({ emptyDir }) => emptyDir !== undefined) === true;

const because = {
  daemonSet: "cannot delete DaemonSet-managed Pods (use --ignore-daemonsets to ignore)",
  storage: "cannot delete Pods with local storage (use --delete-emptydir-data to override)",
  unmanaged: "cannot delete Pods that declare no controller (use --force to override)",
} as const;
const noting = {
  daemonSet: "ignoring DaemonSet-managed Pods",
  unmanaged: "deleting Pods that declare no controller",
} as const;

/** The rules in upstream's order: the first that does not simply remove decides. */
function judge(pod: Pod, flags: DrainFlags): Verdict {
  if (controllerOf(pod)?.kind === "DaemonSet" && !isOver(pod)) {
    return flags["ignore-daemonsets"]
      ? { do: "leave", warning: noting.daemonSet }
      : { do: "refuse", because: because.daemonSet };
  }
  // The kubelet runs it from a file: deleting what mirrors it changes nothing.
  if (pod.metadata?.annotations?.[mirrorKey] !== undefined) return { do: "leave" };
  if (isOver(pod)) return { do: "remove" };
  if (hasLocalStorage(pod) && !flags["delete-emptydir-data"])
    return { do: "refuse", because: because.storage };
  if (controllerOf(pod) !== undefined) return { do: "remove" };
  return flags.force
    ? { do: "remove", warning: noting.unmanaged }
    : { do: "refuse", because: because.unmanaged };
}

const nameOf = ({ metadata }: Pod): string => `${metadata?.namespace}/${metadata?.name}`;

const grouped = (
  pairs: readonly (readonly [text: string | undefined, pod: Pod])[],
): readonly string[] => {
  const groups = Map.groupBy(pairs, ([text]) => text);
  return [...groups].flatMap(([text, all]) =>
    text === undefined ? [] : [`${text}: ${all.map(([, pod]) => nameOf(pod)).join(", ")}`],
  );
};

export function planDrain(pods: readonly Pod[], flags: DrainFlags): DrainPlan {
  const verdicts = pods.map((pod) => [judge(pod, flags), pod] as const);
  return {
    remove: verdicts.flatMap(([verdict, pod]) => (verdict.do === "remove" ? [pod] : [])),
    warnings: grouped(
      verdicts.map(([verdict, pod]) => [
        verdict.do === "refuse" ? undefined : verdict.warning,
        pod,
      ]),
    ),
    refusals: grouped(
      verdicts.map(([verdict, pod]) => [
        verdict.do === "refuse" ? verdict.because : undefined,
        pod,
      ]),
    ),
  };
}
