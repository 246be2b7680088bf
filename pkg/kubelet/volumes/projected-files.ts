/**
 * Which files a configMap, secret, downwardAPI or projected volume holds: a pure function of the
 * volume and of what it refers to.
 */
import type {
  ConfigMap,
  DownwardAPIVolumeFile,
  KeyToPath,
  Secret,
  ServiceAccountTokenProjection,
  Volume,
  VolumeProjection,
} from "../../../api/core/v1.ts";
import { fieldValue, resourceValue, type DownwardFacts } from "../environment/field-path.ts";
import { containersOf } from "../pods/pod-spec.ts";
import type { ProjectedFile } from "./atomic-writer.ts";

export interface VolumeFacts extends DownwardFacts {
  readonly configMap: (name: string) => ConfigMap | undefined;
  readonly secret: (name: string) => Secret | undefined;
  /** The token that was asked for beforehand. */
  readonly token: (projection: ServiceAccountTokenProjection) => string;
}

/** Shown in a FailedMount event: the user must change something, or wait. */
export class VolumeError extends Error {
  override readonly name = "VolumeError";
}

const modeDefault = 0o644;
const encode = (text: string): Uint8Array => new TextEncoder().encode(text);

export function projectedFiles(volume: Volume, facts: VolumeFacts): readonly ProjectedFile[] {
  if (volume.configMap !== undefined)
    return configMapFiles(volume.configMap, volume.configMap.defaultMode ?? modeDefault, facts);
  if (volume.secret !== undefined) {
    const { secretName, ...rest } = volume.secret;
    const named = secretName === undefined ? rest : { ...rest, name: secretName };
    return secretFiles(named, volume.secret.defaultMode ?? modeDefault, facts);
  }
  if (volume.downwardAPI !== undefined)
    return downwardFiles(
      volume.downwardAPI.items ?? [],
      volume.downwardAPI.defaultMode ?? modeDefault,
      facts,
    );
  const mode = volume.projected?.defaultMode ?? modeDefault;
  return (volume.projected?.sources ?? []).flatMap((source) => sourceFiles(source, mode, facts));
}

function sourceFiles(
  source: VolumeProjection,
  mode: number,
  facts: VolumeFacts,
): readonly ProjectedFile[] {
  if (source.configMap !== undefined) return configMapFiles(source.configMap, mode, facts);
  if (source.secret !== undefined) return secretFiles(source.secret, mode, facts);
  if (source.downwardAPI !== undefined)
    return downwardFiles(source.downwardAPI.items ?? [], mode, facts);
  if (source.serviceAccountToken !== undefined)
    return [tokenFile(source.serviceAccountToken, mode, facts)];
  throw new VolumeError(`projected source ${Object.keys(source).join(", ")} is not supported`);
}

interface Reference {
  readonly name?: string;
  readonly items?: readonly KeyToPath[];
  readonly optional?: boolean;
}

function configMapFiles(
  reference: Reference,
  mode: number,
  facts: VolumeFacts,
): readonly ProjectedFile[] {
  const name = reference.name ?? "";
  const found = facts.configMap(name);
  if (found === undefined && reference.optional !== true)
    throw new VolumeError(`configmap "${name}" not found`);
  const bytes = new Map<string, Uint8Array>();
  for (const [key, text] of Object.entries(found?.data ?? {})) bytes.set(key, encode(text));
  for (const [key, text] of Object.entries(found?.binaryData ?? {}))
    bytes.set(key, Uint8Array.fromBase64(text));
  return keyFiles(bytes, reference, mode);
}

function secretFiles(
  reference: Reference,
  mode: number,
  facts: VolumeFacts,
): readonly ProjectedFile[] {
  const name = reference.name ?? "";
  const found = facts.secret(name);
  if (found === undefined && reference.optional !== true)
    throw new VolumeError(`secret "${name}" not found`);
  const bytes = new Map(
    Object.entries(found?.data ?? {}).map(([key, text]) => [key, Uint8Array.fromBase64(text)]),
  );
  return keyFiles(bytes, reference, mode);
}

/** All keys under their own names, or the chosen ones where `items` puts them. */
function keyFiles(
  bytes: ReadonlyMap<string, Uint8Array>,
  { items, optional }: Reference,
  mode: number,
): readonly ProjectedFile[] {
  if (items === undefined || items.length === 0)
    return [...bytes].map(([path, content]) => ({ path, bytes: content, mode }));
  return items.flatMap((item) => {
    const content = bytes.get(item.key);
    if (content !== undefined)
      return [{ path: checked(item.path), bytes: content, mode: item.mode ?? mode }];
    if (optional === true) return [];
    throw new VolumeError(`references non-existent config key: ${item.key}`);
  });
}

const downwardFiles = (
  items: readonly DownwardAPIVolumeFile[],
  mode: number,
  facts: VolumeFacts,
): readonly ProjectedFile[] =>
  items.map((item) => ({
    path: checked(item.path),
    bytes: encode(
      item.fieldRef !== undefined
        ? fieldValue(item.fieldRef, facts)
        : item.resourceFieldRef !== undefined
          ? resourceValue(item.resourceFieldRef, undefined, facts)
          : "",
    ),
    mode: item.mode ?? mode,
  }));

/**
 * A token is for its pod's user alone: where all containers run as one user the file is that
 * user's; where a group owns the volume, the group reads it; else the usual mode must do.
 */
function tokenFile(
  projection: ServiceAccountTokenProjection,
  mode: number,
  facts: VolumeFacts,
): ProjectedFile {
  const file = { path: checked(projection.path), bytes: encode(facts.token(projection)) };
  const shared = facts.pod.spec.securityContext;
  if (shared?.fsGroup !== undefined) return { ...file, mode: 0o600 };
  const users = new Set(
    containersOf(facts.pod).map(
      ({ container }) => container.securityContext?.runAsUser ?? shared?.runAsUser,
    ),
  );
  const [user] = users;
  return users.size === 1 && user !== undefined
    ? { ...file, mode: 0o600, uid: user }
    : { ...file, mode };
}

/** Validation refuses these; a static pod's manifest never met it. */
function checked(path: string): string {
  if (path === "" || path.startsWith("/") || path.split("/").includes(".."))
    throw new VolumeError(`path ${JSON.stringify(path)} must stay within the volume`);
  return path;
}

/** Whether a volume's files are made by the kubelet, and change while the pod runs. */
export const isProjection = (volume: Volume): boolean =>
  volume.configMap !== undefined ||
  volume.secret !== undefined ||
  volume.downwardAPI !== undefined ||
  volume.projected !== undefined;

/** The tokens that a volume needs. */
export const tokensOf = (volume: Volume): readonly ServiceAccountTokenProjection[] =>
  (volume.projected?.sources ?? []).flatMap(({ serviceAccountToken }) =>
    serviceAccountToken === undefined ? [] : [serviceAccountToken],
  );
