/** The distribution protocol: manifests and blobs of one repository at one endpoint. */
import { createHash } from "node:crypto";
import type { Clock } from "../base/clock.ts";
import type { Ingest } from "./content-store.ts";
import { digestAlgorithm, type Digest } from "./digest.ts";
import { manifestBytesMax } from "./manifest.ts";
import { acceptedManifests } from "./media-types.ts";
import {
  attemptsMax,
  backoffMs,
  basicAuthorization,
  credentialsOf,
  isTransient,
  parseChallenge,
  type Challenge,
  type Endpoint,
  type RegistryLogin,
} from "./registry-plan.ts";
import { readBody, type RegistryResponse, type RegistryTransport } from "./registry-transport.ts";

/** The registry answered, but not with what was asked for. */
export class RegistryError extends Error {
  override readonly name = "RegistryError";
  readonly status: number;
  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

export interface RegistryClientOptions {
  readonly endpoint: Endpoint;
  /** library/nginx */
  readonly repository: string;
  readonly login?: RegistryLogin;
  readonly transport: RegistryTransport;
  readonly clock: Clock;
}

export interface FetchedManifest {
  readonly bytes: Uint8Array;
  readonly mediaType: string;
  readonly digest: Digest;
}

const redirectsMax = 10;
const tokenBytesMax = 1024 * 1024;

export class RegistryClient {
  readonly #options: RegistryClientOptions;
  #authorization: string | undefined;

  constructor(options: RegistryClientOptions) {
    this.#options = options;
    const { registryToken } = options.login ?? {};
    if (registryToken) this.#authorization = `Bearer ${registryToken}`;
  }

  /** `which` is a tag or a digest; bytes asked for by digest are verified. */
  async manifest(which: string, signal?: AbortSignal): Promise<FetchedManifest> {
    const accept = { accept: acceptedManifests };
    const response = await this.#get(`manifests/${which}`, accept, signal);
    const bytes = await readBody(response.body, manifestBytesMax);
    const digest = digestOf(bytes, which);
    if (which.includes(":") && digest !== which) {
      throw new RegistryError(response.status, `manifest ${which} has the digest ${digest}`);
    }
    const mediaType = response.headers["content-type"]?.split(";")[0]?.trim() ?? "";
    return { bytes, mediaType, digest };
  }

  /** Downloads a blob; when the connection breaks, goes on from where it stopped. */
  async blob(
    digest: Digest,
    ingest: Ingest,
    onBytes: (done: number) => void,
    signal?: AbortSignal,
  ): Promise<void> {
    for (let attempt = 0; ; attempt++) {
      try {
        return await this.#readBlob(digest, ingest, onBytes, signal);
      } catch (cause) {
        signal?.throwIfAborted();
        const isLast = attempt + 1 >= attemptsMax || cause instanceof RegistryError;
        if (isLast) throw new Error(`download ${digest}`, { cause });
        await this.#options.clock.sleep(backoffMs(attempt), signal);
      }
    }
  }

  async #readBlob(
    digest: Digest,
    ingest: Ingest,
    onBytes: (done: number) => void,
    signal?: AbortSignal,
  ): Promise<void> {
    const from = ingest.size;
    const range: Record<string, string> = from === 0 ? {} : { range: `bytes=${from}-` };
    const response = await this.#get(`blobs/${digest}`, range, signal);
    if (from > 0 && response.status !== 206) await ingest.restart();
    for await (const chunk of response.body) {
      await ingest.append(chunk);
      onBytes(ingest.size);
    }
  }

  /** Retries what may pass, answers one challenge, follows redirects. Resolves with 200 or 206. */
  async #get(
    path: string,
    headers: Readonly<Record<string, string>>,
    signal?: AbortSignal,
  ): Promise<RegistryResponse> {
    const { endpoint, repository, clock } = this.#options;
    const url = new URL(`${endpoint.base}/v2/${repository}/${path}`);
    let isChallenged = false;
    for (let attempt = 0; ; attempt++) {
      const response = await this.#try(url, headers, attempt, signal);
      if (response?.status === 200 || response?.status === 206) return response;
      if (response?.status === 401 && !isChallenged) {
        isChallenged = true;
        await this.#authorize(response, signal);
        continue;
      }
      const isLast = attempt + 1 >= attemptsMax;
      if (response !== undefined && (isLast || !isTransient(response.status))) {
        throw await refusal(response, `${endpoint.base}/${repository}: ${path}`);
      }
      await clock.sleep(backoffMs(attempt, response?.headers["retry-after"]), signal);
    }
  }

  /** Undefined when the network failed and another attempt is left. */
  async #try(
    url: URL,
    headers: Readonly<Record<string, string>>,
    attempt: number,
    signal?: AbortSignal,
  ): Promise<RegistryResponse | undefined> {
    try {
      return await this.#follow(url, headers, signal);
    } catch (error) {
      signal?.throwIfAborted();
      if (attempt + 1 >= attemptsMax || isHopeless(error)) throw error;
      return undefined;
    }
  }

  async #follow(
    start: URL,
    headers: Readonly<Record<string, string>>,
    signal?: AbortSignal,
  ): Promise<RegistryResponse> {
    let url = start;
    for (let hop = 0; hop < redirectsMax; hop++) {
      // A token is for the registry alone, never for the storage that it points to.
      const isHome = url.origin === start.origin && this.#authorization !== undefined;
      const response = await this.#options.transport({
        method: "GET",
        url,
        headers: { ...headers, ...(isHome ? { authorization: this.#authorization ?? "" } : {}) },
        ...(this.#options.endpoint.authority === undefined
          ? {}
          : { authority: this.#options.endpoint.authority }),
        ...(signal === undefined ? {} : { signal }),
      });
      const location = response.headers["location"];
      if (response.status < 300 || response.status >= 400 || location === undefined) {
        return response;
      }
      await drain(response);
      url = new URL(location, url);
    }
    throw new RegistryError(310, `more than ${redirectsMax} redirects from ${start.host}`);
  }

  async #authorize(response: RegistryResponse, signal?: AbortSignal): Promise<void> {
    await drain(response);
    const challenge = parseChallenge(response.headers["www-authenticate"] ?? "");
    const credentials = credentialsOf(this.#options.login ?? {});
    if (challenge?.scheme === "bearer") {
      this.#authorization = `Bearer ${await this.#fetchToken(challenge, signal)}`;
    } else if (challenge?.scheme === "basic" && credentials !== undefined) {
      this.#authorization = basicAuthorization(credentials.username, credentials.password);
    } else {
      throw new RegistryError(401, `${this.#options.endpoint.base} asks for a login`);
    }
  }

  async #fetchToken({ parameters }: Challenge, signal?: AbortSignal): Promise<string> {
    const { login = {}, repository, transport } = this.#options;
    const url = new URL(parameters["realm"] ?? "");
    const scope = parameters["scope"] ?? `repository:${repository}:pull`;
    const query = new URLSearchParams({ service: parameters["service"] ?? "", scope });
    const credentials = credentialsOf(login);
    const form = "application/x-www-form-urlencoded";
    if (login.identityToken) {
      query.set("grant_type", "refresh_token");
      query.set("refresh_token", login.identityToken);
      query.set("client_id", "tskube");
    } else url.search = query.toString();
    const response = await transport({
      method: login.identityToken ? "POST" : "GET",
      url,
      headers: {
        ...(login.identityToken ? { "content-type": form } : {}),
        ...(credentials === undefined
          ? {}
          : { authorization: basicAuthorization(credentials.username, credentials.password) }),
      },
      ...(login.identityToken ? { body: query.toString() } : {}),
      ...(signal === undefined ? {} : { signal }),
    });
    if (response.status !== 200) throw await refusal(response, `token from ${url.host}`);
    const body = Buffer.from(await readBody(response.body, tokenBytesMax)).toString("utf8");
    const json = JSON.parse(body) as { readonly token?: unknown; readonly access_token?: unknown };
    const token = json.token ?? json.access_token;
    if (typeof token !== "string") throw new RegistryError(200, `${url.host} gave no token`);
    return token;
  }
}

function digestOf(bytes: Uint8Array, which: string): Digest {
  const algorithm = which.startsWith("sha512:") ? digestAlgorithm(which as Digest) : "sha256";
  return `${algorithm}:${createHash(algorithm).update(bytes).digest("hex")}` as Digest;
}

/** A wrong name or certificate stays wrong. */
function isHopeless(error: unknown): boolean {
  const cause: unknown = error instanceof Error ? error.cause : undefined;
  const code = cause instanceof Error && "code" in cause ? String(cause.code) : "";
  return /^(?:ENOTFOUND|ECONNREFUSED|ERR_TLS|CERT_|UNABLE_TO|DEPTH_ZERO|SELF_SIGNED)/.test(code);
}

async function refusal(response: RegistryResponse, what: string): Promise<RegistryError> {
  const body = await readBody(response.body, tokenBytesMax).catch(() => new Uint8Array());
  const detail = firstError(Buffer.from(body).toString("utf8"));
  const meaning =
    response.status === 404
      ? "not found"
      : response.status === 401 || response.status === 403
        ? "pull access denied, repository does not exist or may require authorization"
        : `status ${response.status}`;
  return new RegistryError(response.status, `${what}: ${meaning}${detail}`);
}

/** The distribution protocol's {"errors": [{"code", "message"}]}. */
function firstError(text: string): string {
  const match = /"message"\s*:\s*"([^"\\]{1,200})"/.exec(text);
  return match === null ? "" : ` (${match[1]})`;
}

async function drain(response: RegistryResponse): Promise<void> {
  await readBody(response.body, tokenBytesMax).catch(() => undefined);
}
