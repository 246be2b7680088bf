/**
 * The ConfigMaps and Secrets that pods on this node refer to, kept current while they do.
 */
import type {
  ConfigMap,
  Pod,
  Secret,
  ServiceAccountTokenProjection,
} from "../../../api/core/v1.ts";
import { configMaps, secrets } from "../../../api/resources.ts";
import type { Informer } from "../../client/client.ts";
import { startInformer } from "../../client/informer.ts";
import type { ReflectorDoors } from "../../client/reflector.ts";
import { namespaceOf, uidOf } from "../pods/pod-spec.ts";
import type { PodToken } from "./pod-token.ts";
import { VolumeError } from "./projected-files.ts";
import { referencesOf } from "./references.ts";
import { ServiceAccountTokens } from "./service-account-tokens.ts";

export interface PodObjects {
  /** Resolves when all that the pod refers to is known, or known not to exist. */
  follow(pod: Pod, signal: AbortSignal): Promise<void>;
  configMap(pod: Pod, name: string): ConfigMap | undefined;
  secret(pod: Pod, name: string): Secret | undefined;
  /** Rejects with VolumeError when there is no API server to ask. */
  token(pod: Pod, projection: ServiceAccountTokenProjection): Promise<PodToken>;
  /** The pod has gone. */
  forget(uid: string): void;
}

/** Without an API server nothing can be referred to. */
export const noObjects: PodObjects = {
  follow: () => Promise.resolve(),
  configMap: () => undefined,
  secret: () => undefined,
  token: () => Promise.reject(new VolumeError("a service account token needs an API server")),
  forget: () => undefined,
};

interface Followed {
  readonly informer: Informer<ConfigMap> | Informer<Secret>;
  readonly users: Set<string>;
  readonly stop: AbortController;
}

/**
 * One list and watch for each object that is referred to, however many pods do; until the signal
 * aborts, whichever pods are there then.
 */
export function createPodObjects(
  doors: ReflectorDoors,
  onChange: (uid: string) => void,
  signal: AbortSignal,
): PodObjects {
  const followed = new Map<string, Followed>();
  const stopAll = (): void => {
    for (const { stop } of followed.values()) stop.abort(signal.reason);
  };
  signal.addEventListener("abort", stopAll, { once: true });
  const tokens = new ServiceAccountTokens(doors.client, doors.clock);
  const key = (kind: string, pod: Pod, name: string): string =>
    `${kind} ${namespaceOf(pod)}/${name}`;

  const acquire = (kind: "configmap" | "secret", pod: Pod, name: string): Followed => {
    const its = key(kind, pod, name);
    const known = followed.get(its);
    if (known !== undefined) return known;
    const stop = new AbortController();
    if (signal.aborted) stop.abort(signal.reason);
    const users = new Set<string>();
    const selection = { namespace: namespaceOf(pod), fieldSelector: `metadata.name=${name}` };
    const informer =
      kind === "secret"
        ? startInformer(secrets, selection, doors, stop.signal)
        : startInformer(configMaps, selection, doors, stop.signal);
    informer.onChange(() => users.forEach(onChange));
    const made = { informer, users, stop };
    followed.set(its, made);
    return made;
  };

  return {
    follow: async (pod, signal) => {
      const references = referencesOf(pod);
      const needed = [
        ...[...references.configMaps].map((name) => acquire("configmap", pod, name)),
        ...[...references.secrets].map((name) => acquire("secret", pod, name)),
      ];
      for (const { users } of needed) users.add(uidOf(pod));
      await Promise.all(needed.map(({ informer }) => informer.synced));
      signal.throwIfAborted();
    },
    configMap: (pod, name) =>
      (followed.get(key("configmap", pod, name))?.informer as Informer<ConfigMap>)?.get(
        `${namespaceOf(pod)}/${name}`,
      ),
    secret: (pod, name) =>
      (followed.get(key("secret", pod, name))?.informer as Informer<Secret>)?.get(
        `${namespaceOf(pod)}/${name}`,
      ),
    token: (pod, projection) => tokens.get(pod, projection),
    forget: (uid) => {
      tokens.forget(uid);
      for (const [its, { users, stop }] of followed) {
        users.delete(uid);
        if (users.size > 0) continue;
        stop.abort();
        followed.delete(its);
      }
    },
  };
}
