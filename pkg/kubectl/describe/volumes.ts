import type { Volume } from "../../../api/core/v1.ts";
import { selectorText } from "./describe-metadata.ts";
import type { TabLines } from "./tab-lines.ts";

type Fields = Readonly<Record<string, unknown>>;
type Row = readonly [key: string, value: unknown];

interface VolumeText {
  readonly type: string;
  readonly rows: (source: Fields) => readonly Row[];
}

const optional = (source: Fields): Row => ["Optional", source["optional"] === true];
const or =
  (fallback: unknown) =>
  (value: unknown): unknown =>
    value ?? fallback;
const orEmpty = or("");

/** What is said of a volume, by its source's field. Sources that are not here show their fields. */
const volumeTexts: Readonly<Record<string, VolumeText>> = {
  configMap: {
    type: "ConfigMap (a volume populated by a ConfigMap)",
    rows: (source) => [["Name", source["name"]], optional(source)],
  },
  secret: {
    type: "Secret (a volume populated by a Secret)",
    rows: (source) => [["SecretName", source["secretName"]], optional(source)],
  },
  emptyDir: {
    type: "EmptyDir (a temporary directory that shares a pod's lifetime)",
    rows: (source) => [
      ["Medium", orEmpty(source["medium"])],
      ["SizeLimit", or("<unset>")(source["sizeLimit"])],
    ],
  },
  hostPath: {
    type: "HostPath (bare host directory volume)",
    rows: (source) => [
      ["Path", source["path"]],
      ["HostPathType", orEmpty(source["type"])],
    ],
  },
  persistentVolumeClaim: {
    type: "PersistentVolumeClaim (a reference to a PersistentVolumeClaim in the same namespace)",
    rows: (source) => [
      ["ClaimName", source["claimName"]],
      ["ReadOnly", source["readOnly"] === true],
    ],
  },
  nfs: {
    type: "NFS (an NFS mount that lasts the lifetime of a pod)",
    rows: (source) => [
      ["Server", source["server"]],
      ["Path", source["path"]],
      ["ReadOnly", source["readOnly"] === true],
    ],
  },
  image: {
    type: "Image (a container image or OCI artifact)",
    rows: (source) => [
      ["Reference", source["reference"]],
      ["PullPolicy", source["pullPolicy"]],
    ],
  },
  csi: {
    type: "CSI (a Container Storage Interface (CSI) volume source)",
    rows: (source) => [
      ["Driver", source["driver"]],
      ["FSType", orEmpty(source["fsType"])],
      ["ReadOnly", source["readOnly"] === true],
      [
        "VolumeAttributes",
        `    ${selectorText({ matchLabels: (source["volumeAttributes"] ?? {}) as Record<string, string> })}`,
      ],
    ],
  },
  projected: {
    type: "Projected (a volume that contains injected data from multiple sources)",
    rows: (source) => ((source["sources"] ?? []) as readonly Fields[]).flatMap(projectedRows),
  },
};

function projectedRows(source: Fields): readonly Row[] {
  const { secret, configMap, serviceAccountToken, downwardAPI } = source as {
    readonly [kind in "secret" | "configMap" | "serviceAccountToken" | "downwardAPI"]?: Fields;
  };
  if (secret !== undefined) return [["SecretName", secret["name"]], optional(secret)];
  if (configMap !== undefined) return [["ConfigMapName", configMap["name"]], optional(configMap)];
  if (downwardAPI !== undefined) return [["DownwardAPI", true]];
  if (serviceAccountToken === undefined) return [];
  return [["TokenExpirationSeconds", serviceAccountToken["expirationSeconds"]]];
}

const title = (field: string): string => field.charAt(0).toUpperCase() + field.slice(1);

const otherText = (field: string): VolumeText => ({
  type: title(field),
  rows: (source) =>
    Object.entries(source)
      .filter(([, value]) => typeof value !== "object")
      .map(([key, value]) => [title(key), value]),
});

interface DownwardItem {
  readonly path: string;
  readonly fieldRef?: { readonly fieldPath: string };
  readonly resourceFieldRef?: { readonly resource: string };
}

function writeDownward(out: TabLines, items: readonly DownwardItem[]): void {
  out.line(2, "Type:\tDownwardAPI (a volume populated by information about the pod)");
  out.line(2, "Items:");
  for (const { path, fieldRef, resourceFieldRef } of items)
    out.line(3, `${fieldRef?.fieldPath ?? resourceFieldRef?.resource ?? ""} -> ${path}`);
}

/** The volumes of a pod or of a template; `indent` as of the lines around them. */
export function writeVolumes(
  out: TabLines,
  volumes: readonly Volume[] | undefined,
  { indent, nameIndent }: { readonly indent: string; readonly nameIndent: string },
): void {
  if (volumes === undefined || volumes.length === 0)
    return out.line(0, `${indent}Volumes:\t<none>`);
  out.line(0, `${indent}Volumes:`);
  for (const { name, ...sources } of volumes) {
    out.line(0, `${nameIndent}${name}:`);
    const [field = "", source = {}] = Object.entries(sources)[0] ?? [];
    const { items } = source as { items?: readonly DownwardItem[] };
    if (field === "downwardAPI") writeDownward(out, items ?? []);
    else {
      const { type, rows } = volumeTexts[field] ?? otherText(field);
      out.line(2, `Type:\t${type}`);
      for (const [key, value] of rows(source as Fields)) out.line(2, `${key}:\t${value}`);
    }
  }
}
