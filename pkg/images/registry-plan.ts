/** Where to ask for an image, and how: mirrors, schemes, challenges, retries. Pure. */
import { utf8Bytes, utf8Text } from "./bytes.ts";
import type { Reference } from "./reference.ts";

/** /etc/tskube/registries.yaml, parsed. */
export interface RegistriesConfig {
  /** Tried in order before the registry itself: {"docker.io": ["https://mirror.example"]}. */
  readonly mirrors: Readonly<Record<string, readonly string[]>>;
  /** By registry host with port. */
  readonly tls?: Readonly<Record<string, { readonly authority?: string }>>;
}

export const noRegistries: RegistriesConfig = { mirrors: {} };

/** Reads the parsed YAML. Throws on another shape: a mirror that is silently ignored is a trap. */
export function parseRegistries(document: unknown): RegistriesConfig {
  const root = mapOf(document ?? {}, "registries file");
  for (const key of Object.keys(root)) {
    if (key !== "mirrors" && key !== "tls") throw new Error(`unknown field ${key}`);
  }
  const mirrors = Object.entries(mapOf(root["mirrors"] ?? {}, "mirrors")).map(([host, urls]) => {
    if (!Array.isArray(urls)) throw new Error(`mirrors of ${host} are not a list`);
    return [host, urls.map((url: unknown) => new URL(String(url)).href)] as const;
  });
  const tls = Object.entries(mapOf(root["tls"] ?? {}, "tls")).map(([host, settings]) => {
    const { authority } = mapOf(settings, `tls of ${host}`);
    return [host, typeof authority === "string" ? { authority } : {}] as const;
  });
  return { mirrors: Object.fromEntries(mirrors), tls: Object.fromEntries(tls) };
}

function mapOf(value: unknown, what: string): Readonly<Record<string, unknown>> {
  if (typeof value === "object" && value !== null && !Array.isArray(value)) {
    return value as Readonly<Record<string, unknown>>;
  }
  throw new Error(`${what} is not a map`);
}

export interface Endpoint {
  /** Ends without a slash: https://registry-1.docker.io */
  readonly base: string;
  /** PEM of a private certificate authority. */
  readonly authority?: string;
}

/** Mirrors first, then the registry. Loopback registries speak plain HTTP (Docker's rule). */
export function endpointsOf(
  { domain }: Pick<Reference, "domain">,
  config: RegistriesConfig,
): readonly Endpoint[] {
  const origin = `${isLoopback(domain) ? "http" : "https"}://${registryHost(domain)}`;
  const bases = [...(config.mirrors[domain] ?? []), origin].map((base) => base.replace(/\/+$/, ""));
  return bases.map((base) => {
    const authority = config.tls?.[new URL(base).host]?.authority;
    return { base, ...(authority === undefined ? {} : { authority }) };
  });
}

const registryHost = (domain: string): string =>
  domain === "docker.io" ? "registry-1.docker.io" : domain;

const isLoopback = (domain: string): boolean =>
  /^(?:localhost|127(?:\.[0-9]{1,3}){3}|\[::1\])(?::[0-9]+)?$/.test(domain);

export interface Challenge {
  readonly scheme: "basic" | "bearer";
  readonly parameters: Readonly<Record<string, string>>;
}

/** A WWW-Authenticate header (RFC 9110); Bearer wins when several are offered. */
export function parseChallenge(header: string): Challenge | undefined {
  const challenges = [...header.matchAll(/(?:^|,\s*)(basic|bearer)\s+/gi)].map(
    (match, index, all) => {
      const end = all[index + 1]?.index ?? header.length;
      const body = header.slice(match.index + match[0].length, end);
      const pairs = [...body.matchAll(/([a-z_]+)="((?:[^"\\]|\\.)*)"|([a-z_]+)=([^\s,"]+)/gi)];
      const parameters = Object.fromEntries(
        pairs.map(([, key = "", value = "", bareKey = "", bare = ""]) =>
          key === ""
            ? [bareKey.toLowerCase(), bare]
            : [key.toLowerCase(), value.replace(/\\(.)/g, "$1")],
        ),
      );
      const scheme = match[1]?.toLowerCase() === "basic" ? "basic" : "bearer";
      return { scheme, parameters } as const;
    },
  );
  return challenges.find(({ scheme }) => scheme === "bearer") ?? challenges[0];
}

/** A registry's login, in the words of CRI's AuthConfig. */
export interface RegistryLogin {
  readonly username?: string;
  readonly password?: string;
  /** Base64 of "username:password". */
  readonly auth?: string;
  /** An OAuth refresh token. */
  readonly identityToken?: string;
  /** A bearer token to send as it is. */
  readonly registryToken?: string;
}

export function credentialsOf(
  login: RegistryLogin,
): { readonly username: string; readonly password: string } | undefined {
  if (login.username) return { username: login.username, password: login.password ?? "" };
  if (!login.auth) return undefined;
  const text = utf8Text(Uint8Array.fromBase64(login.auth));
  const colon = text.indexOf(":");
  if (colon < 0) return undefined;
  return { username: text.slice(0, colon), password: text.slice(colon + 1).replace(/\0+$/, "") };
}

export const basicAuthorization = (username: string, password: string): string =>
  `Basic ${utf8Bytes(`${username}:${password}`).toBase64()}`;

/** Attempts a request, the first included. */
export const attemptsMax = 5;
const backoffFirstMs = 250;
const retryAfterMaxMs = 30_000;

export const isTransient = (status: number): boolean =>
  status === 408 || status === 429 || status >= 500;

/** Doubling, or what the registry asks for within reason. */
export function backoffMs(attempt: number, retryAfter?: string): number {
  const seconds = Number(retryAfter);
  if (retryAfter !== undefined && seconds > 0) return Math.min(seconds * 1000, retryAfterMaxMs);
  return backoffFirstMs * 2 ** attempt;
}
