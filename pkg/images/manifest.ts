/**
 * The JSON documents of an image: index, manifest, configuration. Read strictly, since they come
 * from strangers. Pure.
 */
import { utf8Bytes, utf8Text } from "./bytes.ts";
import { mediaTypes } from "../../api/oci/image.ts";
import { parseDigest, type Digest } from "./digest.ts";
import { isIndexType, isManifestType } from "./media-types.ts";

export interface Descriptor {
  readonly mediaType: string;
  readonly digest: Digest;
  /** Bytes. */
  readonly size: number;
  readonly platform?: Platform;
  readonly annotations?: Readonly<Record<string, string>>;
}

export interface Platform {
  readonly os: string;
  readonly architecture: string;
  readonly variant?: string;
}

export interface Index {
  readonly is: "index";
  readonly manifests: readonly Descriptor[];
}

export interface Manifest {
  readonly is: "manifest";
  readonly config: Descriptor;
  readonly layers: readonly Descriptor[];
}

export interface ImageConfig extends Platform {
  readonly created?: string;
  readonly config: ContainerDefaults;
  /** Digests of the uncompressed layers, lowest first. */
  readonly diffIds: readonly Digest[];
}

/** What the image says of the process to run in it. */
export interface ContainerDefaults {
  readonly user: string;
  readonly env: readonly string[];
  readonly entrypoint: readonly string[];
  readonly cmd: readonly string[];
  readonly workingDir: string;
  readonly labels: Readonly<Record<string, string>>;
  /** SIGQUIT, 3 or SIGRTMIN+3; empty when the image does not say. */
  readonly stopSignal: string;
  readonly volumes: readonly string[];
  readonly exposedPorts: readonly string[];
}

export class ManifestError extends Error {
  override readonly name = "ManifestError";
}

/** Larger documents are refused: containerd's and registries' own limit. */
export const manifestBytesMax = 8 * 1024 * 1024;
export const layersMax = 512;

type Json = Readonly<Record<string, unknown>>;

function parseJson(bytes: Uint8Array, what: string): Json {
  try {
    return record(JSON.parse(utf8Text(bytes)), what);
  } catch (cause) {
    if (cause instanceof ManifestError) throw cause;
    throw new ManifestError(`${what} is not JSON`, { cause });
  }
}

function record(value: unknown, what: string): Json {
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw new ManifestError(`${what} is not an object`);
  }
  return value as Json;
}

function list(value: unknown, what: string): readonly unknown[] {
  if (value === undefined || value === null) return [];
  if (!Array.isArray(value)) throw new ManifestError(`${what} is not a list`);
  return value;
}

function text(value: unknown, what: string): string {
  if (value === undefined || value === null) return "";
  if (typeof value !== "string") throw new ManifestError(`${what} is not a string`);
  return value;
}

const texts = (value: unknown, what: string): readonly string[] =>
  list(value, what).map((item) => text(item, what));

function textMap(value: unknown, what: string): Readonly<Record<string, string>> {
  if (value === undefined || value === null) return {};
  return Object.fromEntries(
    Object.entries(record(value, what)).map(([key, item]) => [key, text(item, what)]),
  );
}

const keys = (value: unknown, what: string): readonly string[] =>
  value === undefined || value === null ? [] : Object.keys(record(value, what));

/** An index or a manifest; `type` as the registry named it, since old documents do not say. */
export function parseManifest(bytes: Uint8Array, type: string): Index | Manifest {
  const json = parseJson(bytes, "manifest");
  const said = text(json["mediaType"], "mediaType") || type;
  if (json["schemaVersion"] === 1) {
    throw new ManifestError("Docker manifest schema 1 is not supported: push the image again");
  }
  const isIndex = isIndexType(said) || (!isManifestType(said) && json["manifests"] !== undefined);
  if (isIndex) {
    const manifests = list(json["manifests"], "manifests").map(parseDescriptor);
    return { is: "index", manifests };
  }
  const layers = list(json["layers"], "layers").map(parseDescriptor);
  if (layers.length > layersMax) throw new ManifestError(`more than ${layersMax} layers`);
  return { is: "manifest", config: parseDescriptor(json["config"]), layers };
}

export function parseDescriptor(value: unknown): Descriptor {
  const json = record(value, "descriptor");
  const size = json["size"];
  if (typeof size !== "number" || !Number.isSafeInteger(size) || size < 0) {
    throw new ManifestError("descriptor has no size");
  }
  const platform = json["platform"];
  const annotations = json["annotations"];
  return {
    mediaType: text(json["mediaType"], "mediaType"),
    digest: parseDigest(text(json["digest"], "digest")),
    size,
    ...(platform === undefined ? {} : { platform: parsePlatform(platform) }),
    ...(annotations === undefined ? {} : { annotations: textMap(annotations, "annotations") }),
  };
}

function parsePlatform(value: unknown): Platform {
  const json = record(value, "platform");
  const variant = text(json["variant"], "variant");
  return {
    os: text(json["os"], "os"),
    architecture: text(json["architecture"], "architecture"),
    ...(variant === "" ? {} : { variant }),
  };
}

export function parseImageConfig(bytes: Uint8Array): ImageConfig {
  const json = parseJson(bytes, "image configuration");
  const rootfs = record(json["rootfs"], "rootfs");
  const config = json["config"] === undefined || json["config"] === null ? {} : json["config"];
  const created = text(json["created"], "created");
  return {
    ...parsePlatform(json),
    ...(created === "" ? {} : { created }),
    config: parseDefaults(record(config, "config")),
    diffIds: texts(rootfs["diff_ids"], "diff_ids").map(parseDigest),
  };
}

const parseDefaults = (json: Json): ContainerDefaults => ({
  user: text(json["User"], "User"),
  env: texts(json["Env"], "Env"),
  entrypoint: texts(json["Entrypoint"], "Entrypoint"),
  cmd: texts(json["Cmd"], "Cmd"),
  workingDir: text(json["WorkingDir"], "WorkingDir"),
  labels: textMap(json["Labels"], "Labels"),
  stopSignal: text(json["StopSignal"], "StopSignal"),
  volumes: keys(json["Volumes"], "Volumes"),
  exposedPorts: keys(json["ExposedPorts"], "ExposedPorts"),
});

/**
 * The first manifest for the platform. arm64 without a variant means v8. Throws if there is none.
 */
export function selectPlatform(index: Index, wanted: Platform): Descriptor {
  const variant = ({ architecture, variant: said = "" }: Platform): string =>
    architecture === "arm64" && said === "" ? "v8" : said;
  const fits = ({ platform, mediaType }: Descriptor): boolean =>
    platform === undefined
      ? isManifestType(mediaType)
      : platform.os === wanted.os &&
        platform.architecture === wanted.architecture &&
        variant(platform) === variant(wanted);
  const found = index.manifests.find(fits);
  if (found !== undefined) return found;
  const offered = index.manifests
    .map(({ platform }) => `${platform?.os}/${platform?.architecture}`)
    .join(", ");
  throw new ManifestError(
    `no image for ${wanted.os}/${wanted.architecture}; there is ${offered || "none"}`,
  );
}

/** JSON text of a configuration, keys in OCI's words, in a fixed order. */
export function formatImageConfig(image: ImageConfig): Uint8Array {
  const { config } = image;
  const set = (names: readonly string[]): Json | undefined =>
    names.length === 0 ? undefined : Object.fromEntries(names.map((name) => [name, {}]));
  const document = {
    ...(image.created === undefined ? {} : { created: image.created }),
    architecture: image.architecture,
    ...(image.variant === undefined ? {} : { variant: image.variant }),
    os: image.os,
    config: {
      User: config.user || undefined,
      ExposedPorts: set(config.exposedPorts),
      Env: config.env,
      Entrypoint: config.entrypoint.length === 0 ? undefined : config.entrypoint,
      Cmd: config.cmd.length === 0 ? undefined : config.cmd,
      Volumes: set(config.volumes),
      WorkingDir: config.workingDir || undefined,
      Labels: Object.keys(config.labels).length === 0 ? undefined : config.labels,
      StopSignal: config.stopSignal || undefined,
    },
    rootfs: { type: "layers", diff_ids: image.diffIds },
  };
  return utf8Bytes(JSON.stringify(document));
}

export const formatManifest = (config: Descriptor, layers: readonly Descriptor[]): Uint8Array =>
  utf8Bytes(JSON.stringify({ schemaVersion: 2, mediaType: mediaTypes.manifest, config, layers }));
