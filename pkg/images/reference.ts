/**
 * Image references, normalised as Docker and containerd do: nginx is
 * docker.io/library/nginx:latest. Pure.
 */
import { isDigest, type Digest } from "./digest.ts";

export interface Reference {
  /** Host with an optional port: docker.io, 127.0.0.1:5000 */
  readonly domain: string;
  /** library/nginx */
  readonly path: string;
  readonly tag?: string;
  readonly digest?: Digest;
}

const hostLabel = "(?:[a-zA-Z0-9]|[a-zA-Z0-9][a-zA-Z0-9-]*[a-zA-Z0-9])";
const domainPattern = new RegExp(
  `^(?:${hostLabel}(?:\\.${hostLabel})*|\\[[0-9a-fA-F:]+\\])(?::[0-9]+)?$`,
);
const pathComponentPattern = /^[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*$/;
const tagPattern = /^\w[\w.-]{0,127}$/;
/** The distribution specification's limit for domain and path together. */
const nameCharactersMax = 255;

/** Why a text is no reference; for the user who typed it. */
export class InvalidReference extends Error {
  override readonly name = "InvalidReference";
  constructor(text: string, because: string) {
    super(`invalid image reference ${JSON.stringify(text.slice(0, 300))}: ${because}`);
  }
}

/**
 * Parses and normalises. A missing tag becomes "latest"; of a tag and a digest together only the
 * digest counts, since it alone says which bytes are meant (containerd's rule).
 */
export function parseReference(text: string): Reference {
  const { name, tag, digest } = splitReference(text);
  const { domain, path } = splitName(text, name);
  if (digest !== undefined) return { domain, path, digest };
  return { domain, path, tag: tag ?? "latest" };
}

function splitReference(text: string): { name: string; tag?: string; digest?: Digest } {
  const at = text.indexOf("@");
  const before = at < 0 ? text : text.slice(0, at);
  const digest = at < 0 ? undefined : text.slice(at + 1);
  if (digest !== undefined && !isDigest(digest)) throw new InvalidReference(text, "bad digest");
  // A colon before the last slash belongs to a port.
  const colon = before.indexOf(":", before.lastIndexOf("/") + 1);
  const name = colon < 0 ? before : before.slice(0, colon);
  const tag = colon < 0 ? undefined : before.slice(colon + 1);
  if (tag !== undefined && !tagPattern.test(tag)) throw new InvalidReference(text, "bad tag");
  return {
    name,
    ...(tag === undefined ? {} : { tag }),
    ...(digest === undefined ? {} : { digest }),
  };
}

function splitName(text: string, name: string): { domain: string; path: string } {
  if (/^[a-f0-9]{64}$/.test(name)) {
    throw new InvalidReference(text, "64 hex digits are an identifier, not a repository");
  }
  const slash = name.indexOf("/");
  const first = slash < 0 ? "" : name.slice(0, slash);
  const isDomain = /[.:]/.test(first) || first === "localhost" || /[A-Z]/.test(first);
  const domain = !isDomain || first === "index.docker.io" ? "docker.io" : first;
  const rest = isDomain ? name.slice(slash + 1) : name;
  const path = domain === "docker.io" && !rest.includes("/") ? `library/${rest}` : rest;
  if (!domainPattern.test(domain)) throw new InvalidReference(text, "bad registry host");
  if (/[A-Z]/.test(path)) throw new InvalidReference(text, "repository must be lowercase");
  if (!path.split("/").every((component) => pathComponentPattern.test(component))) {
    throw new InvalidReference(text, "bad repository name");
  }
  if (domain.length + 1 + path.length > nameCharactersMax) {
    throw new InvalidReference(text, `longer than ${nameCharactersMax} characters`);
  }
  return { domain, path };
}

/** docker.io/library/nginx */
export const repositoryOf = ({ domain, path }: Reference): string => `${domain}/${path}`;

/** docker.io/library/nginx:latest or docker.io/library/nginx@sha256:… */
export const formatReference = (reference: Reference): string =>
  reference.digest === undefined
    ? `${repositoryOf(reference)}:${reference.tag ?? "latest"}`
    : `${repositoryOf(reference)}@${reference.digest}`;
