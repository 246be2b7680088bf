import type { Node, Pod } from "../../../api/core/v1.ts";
import { pods as podsRef } from "../../../api/resources.ts";
import { chainOf } from "../../base/errors.ts";
import type { Client } from "../../client/client.ts";
import { isReason } from "../../machinery/status-error.ts";
import type { Logger } from "../../telemetry/logger.ts";
import {
  configHash,
  configMirror,
  fullNameOf,
  isDeleted,
  nameOf,
  namespaceOf,
  uidOf,
} from "./pod-spec.ts";

export type MirrorChange =
  | { readonly do: "create"; readonly pod: Pod }
  | { readonly do: "delete"; readonly mirror: Pod };

/**
 * What makes the API server's picture of static pods true. Pure. A picture of another version of
 * its pod is deleted first; when that is seen, the next round creates the new one.
 */
export function planMirrors(
  statics: readonly Pod[],
  mirrors: readonly Pod[],
): readonly MirrorChange[] {
  const wanted = new Map(statics.map((pod) => [fullNameOf(pod), pod]));
  const found = new Map(mirrors.map((mirror) => [fullNameOf(mirror), mirror]));
  const stale = mirrors.filter((mirror) => {
    const pod = wanted.get(fullNameOf(mirror));
    return pod === undefined || isDeleted(mirror) || mirrorMark(mirror) !== hashOf(pod);
  });
  return [
    ...stale.map((mirror): MirrorChange => ({ do: "delete", mirror })),
    ...statics
      .filter((pod) => !found.has(fullNameOf(pod)))
      .map((pod): MirrorChange => ({ do: "create", pod })),
  ];
}

const hashOf = (pod: Pod): string | undefined => pod.metadata?.annotations?.[configHash];
const mirrorMark = (mirror: Pod): string | undefined =>
  mirror.metadata?.annotations?.[configMirror];

/** The object that stands for a static pod: owned by the node, so that it goes with it. */
export function mirrorOf(pod: Pod, node: Node | undefined): Pod {
  const { uid: _own, creationTimestamp: _seen, ...metadata } = pod.metadata ?? {};
  const owner =
    node?.metadata?.uid === undefined
      ? {}
      : {
          ownerReferences: [
            {
              apiVersion: "v1",
              kind: "Node",
              name: node.metadata.name ?? "",
              uid: node.metadata.uid,
              controller: true,
            },
          ],
        };
  return {
    apiVersion: "v1",
    kind: "Pod",
    metadata: {
      ...metadata,
      ...owner,
      annotations: { ...metadata.annotations, [configMirror]: hashOf(pod) ?? "" },
    },
    spec: pod.spec,
  };
}

/** Performs one change. Never rejects: the next look at mirrors tries again. */
export async function applyMirror(
  change: MirrorChange,
  node: Node | undefined,
  { client, logger }: { readonly client: Client; readonly logger: Logger },
): Promise<void> {
  const api = client.resource(podsRef);
  try {
    if (change.do === "create") await api.create(mirrorOf(change.pod, node));
    else {
      const key = { namespace: namespaceOf(change.mirror), name: nameOf(change.mirror) };
      const preconditions = { uid: uidOf(change.mirror) };
      await api.delete(key, { gracePeriodSeconds: 0, preconditions });
    }
  } catch (error) {
    if (isReason(error, "NotFound", "AlreadyExists", "Conflict")) return;
    const pod = change.do === "create" ? change.pod : change.mirror;
    const fields = { pod: fullNameOf(pod), do: change.do, error: chainOf(error) };
    logger.warn(fields, "a mirror pod could not be changed");
  }
}
