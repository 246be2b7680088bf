/**
 * Every pod acts as a ServiceAccount: "default" where it names none. Its token, the cluster's CA
 * and the namespace come as one projected volume, which the kubelet fills and renews.
 */
import type { Container, Pod, ServiceAccount, Volume } from "../../../api/core/v1.ts";
import { serviceAccounts } from "../../../api/resources.ts";
import { forbiddenObject } from "../refusals.ts";
import type { Admission, AdmissionPlugin } from "./admission.ts";

const mountPath = "/var/run/secrets/kubernetes.io/serviceaccount";
const volumePrefix = "kube-api-access-";
/** A little over an hour: the kubelet renews at four fifths of it. */
const tokenSeconds = 3_607;
/** How long a pod waits for its namespace's default account: one second, as upstream's does. */
const waits = { attemptsMax: 21, everyMs: 50 } as const;
const mirrorAnnotation = "kubernetes.io/config.mirror";

export const serviceAccount: AdmissionPlugin = {
  name: "ServiceAccount",
  verbs: ["create"],
  resources: ["pods"],
  admit: async (admission) => {
    const pod = admission.object as Pod;
    // A mirror of a static pod: the kubelet runs it from its file, without the API's secrets.
    if (pod.metadata?.annotations?.[mirrorAnnotation] !== undefined) {
      checkMirror(admission, pod);
      return undefined;
    }
    const name = pod.spec?.serviceAccountName ?? "";
    const account = await findAccount(admission, name === "" ? "default" : name);
    return withAccount(pod, account);
  },
};

function checkMirror({ resource: { ref }, name }: Admission, { spec }: Pod): void {
  if ((spec?.serviceAccountName ?? "") !== "") {
    throw forbiddenObject(ref, name, "a mirror pod may not reference service accounts");
  }
  if (spec?.volumes?.some(({ secret }) => secret !== undefined) === true) {
    throw forbiddenObject(ref, name, "a mirror pod may not reference secrets");
  }
}

async function findAccount(admission: Admission, account: string): Promise<ServiceAccount> {
  const { objects, namespace, name, resource, signal, clock } = admission;
  const key = { namespace, name: account };
  // A new namespace gets its default account a moment later: a pod may come in between.
  const attempts = account === "default" ? waits.attemptsMax : 1;
  for (let attempt = 1; attempt <= attempts; attempt++) {
    const found =
      objects.get(serviceAccounts, key) ?? (await objects.read(serviceAccounts, key, signal));
    if (found !== undefined) return found;
    if (attempt < attempts) await clock.sleep(waits.everyMs, signal);
  }
  throw forbiddenObject(
    resource.ref,
    name,
    `error looking up service account ${namespace}/${account}: ` +
      `serviceaccount "${account}" not found`,
  );
}

/** Pure: the pod as the account wants it. */
export function withAccount(pod: Pod, account: ServiceAccount): Pod {
  const { spec } = pod;
  if (spec === undefined) return pod;
  const name = account.metadata?.name ?? "default";
  const secrets = spec.imagePullSecrets ?? [];
  const named = {
    ...spec,
    serviceAccountName: name,
    serviceAccount: name,
    ...(secrets.length > 0 || account.imagePullSecrets === undefined
      ? {}
      : { imagePullSecrets: account.imagePullSecrets }),
  };
  const wantsToken =
    spec.automountServiceAccountToken ?? account.automountServiceAccountToken ?? true;
  return { ...pod, spec: wantsToken ? withToken(named, suffixOf(pod)) : named } as Pod;
}

type Spec = NonNullable<Pod["spec"]>;

const isMounted = ({ volumeMounts = [] }: Container): boolean =>
  volumeMounts.some((mount) => mount.mountPath === mountPath);

function withToken(spec: Spec, suffix: string): Spec {
  const volumes = spec.volumes ?? [];
  const existing = volumes.find((volume) => volume.name.startsWith(volumePrefix));
  const name = existing?.name ?? freeName(volumes, suffix);
  const all = [...(spec.initContainers ?? []), ...spec.containers];
  if (all.every(isMounted)) return spec;
  const mount = { name, readOnly: true, mountPath };
  const mounted = (container: Container): Container =>
    isMounted(container)
      ? container
      : { ...container, volumeMounts: [...(container.volumeMounts ?? []), mount] };
  return {
    ...spec,
    containers: spec.containers.map(mounted),
    ...(spec.initContainers === undefined
      ? {}
      : { initContainers: spec.initContainers.map(mounted) }),
    volumes: existing === undefined ? [...volumes, tokenVolume(name)] : volumes,
  };
}

function freeName(volumes: readonly Volume[], suffix: string): string {
  const taken = new Set(volumes.map(({ name }) => name));
  let name = `${volumePrefix}${suffix}`;
  for (let count = 2; taken.has(name); count++) name = `${volumePrefix}${suffix}-${count}`;
  return name;
}

/** Five characters that follow from the pod, so that the same pod gets the same volume. */
function suffixOf({ metadata }: Pod): string {
  const alphabet = "bcdfghjklmnpqrstvwxz2456789";
  let hash = 0;
  const { namespace = "", generateName = "", name = generateName } = metadata ?? {};
  for (const character of `${namespace}/${name}`) {
    hash = (Math.imul(hash, 31) + (character.codePointAt(0) ?? 0)) >>> 0;
  }
  let suffix = "";
  for (let digit = 0; digit < 5; digit++) {
    suffix += alphabet[hash % alphabet.length] ?? "";
    hash = Math.floor(hash / alphabet.length) + digit;
  }
  return suffix;
}

const tokenVolume = (name: string): Volume => ({
  name,
  projected: {
    sources: [
      { serviceAccountToken: { expirationSeconds: tokenSeconds, path: "token" } },
      { configMap: { name: "kube-root-ca.crt", items: [{ key: "ca.crt", path: "ca.crt" }] } },
      {
        downwardAPI: {
          items: [
            {
              path: "namespace",
              fieldRef: { apiVersion: "v1", fieldPath: "metadata.namespace" },
            },
          ],
        },
      },
    ],
    defaultMode: 0o644,
  },
});
