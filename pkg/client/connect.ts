/**
 * Makes a Client over a Transport: paths, JSON, errors, retries that the server asks for. It never
 * opens a connection (a transport does) and never decides to repeat what the server did not ask
 * to have repeated.
 */
import { apiVersionOf, type KubeObject, type ResourceRef } from "../../api/resource.ts";
import type { Clock } from "../base/clock.ts";
import { isStream, type Transport, type WireBody, type WireResponse } from "../base/wire.ts";
import type {
  Client,
  ListOptions,
  ObjectKey,
  ObjectList,
  Patch,
  ResourceClient,
  WatchEvent,
  WatchOptions,
} from "./client.ts";
import { jsonLines } from "./json-lines.ts";
import {
  collectionPath,
  deleteBody,
  listQuery,
  objectPath,
  withQuery,
  writeQuery,
} from "./request-path.ts";
import { errorOfEvent, errorOfResponse } from "./status-response.ts";

export interface ConnectOptions {
  readonly clock: Clock;
  readonly userAgent?: string;
}

/** Repeats of a request whose answer names a time in Retry-After, as client-go has them. */
const retriesMax = 10;

const patchTypes: Readonly<Record<Patch["type"], string>> = {
  json: "application/json-patch+json",
  merge: "application/merge-patch+json",
  strategic: "application/strategic-merge-patch+json",
  apply: "application/apply-patch+yaml",
};

interface Request {
  readonly method: string;
  readonly path: string;
  readonly body?: Uint8Array;
  readonly contentType?: string;
  readonly signal: AbortSignal | undefined;
}

/** Sends one request, and answers only with 2xx. */
export type Send = (request: Request) => Promise<WireResponse>;

const encode = (value: unknown): Uint8Array => new TextEncoder().encode(JSON.stringify(value));

/** Reads a body to its end. */
export async function bodyBytes(body: WireBody): Promise<Uint8Array> {
  if (body instanceof Uint8Array) return body;
  const pieces: Uint8Array[] = [];
  if (isStream(body)) for await (const piece of body) pieces.push(piece);
  else pieces.push(...body);
  const whole = new Uint8Array(pieces.reduce((sum, piece) => sum + piece.length, 0));
  let at = 0;
  for (const piece of pieces) {
    whole.set(piece, at);
    at += piece.length;
  }
  return whole;
}

const parse = async (response: WireResponse): Promise<unknown> =>
  JSON.parse(new TextDecoder().decode(await bodyBytes(response.body)));

/** Seconds that the answer asks to wait before the same request comes again. */
function retryAfterSeconds({ status, headers }: WireResponse): number | undefined {
  const seconds = Number.parseInt(headers["retry-after"] ?? "", 10);
  return (status === 429 || status >= 500) && seconds >= 0 ? seconds : undefined;
}

/** `connect(transport, { clock })`: every method throws StatusError as the server sent it. */
export function connect(transport: Transport, { clock, userAgent }: ConnectOptions): Client {
  const send: Send = async ({ method, path, body, contentType, signal }) => {
    const headers = {
      accept: "application/json",
      "user-agent": userAgent ?? "tskube",
      ...(body === undefined ? {} : { "content-type": contentType ?? "application/json" }),
    };
    for (let tries = 0; ; tries += 1) {
      // A signal of its own for those who give none: listeners on a shared one would pile up.
      const alive = signal ?? new AbortController().signal;
      const request = { method, path, headers, signal: alive };
      const response = await transport(body === undefined ? request : { ...request, body });
      if (response.status >= 200 && response.status < 300) return response;
      const failure = await bodyBytes(response.body);
      const seconds = tries < retriesMax ? retryAfterSeconds(response) : undefined;
      if (seconds === undefined) throw errorOfResponse(response.status, failure);
      await clock.sleep(seconds * 1000, signal);
    }
  };
  return {
    resource: (ref) => resourceClient(ref, send),
    raw: async (method, path, body, signal) =>
      bodyBytes((await send({ method, path, signal, ...(body && { body }) })).body),
  };
}

const keyOf = (object: KubeObject): ObjectKey => {
  const { namespace, name } = object.metadata ?? {};
  return { name: name ?? "", ...(namespace === undefined ? {} : { namespace }) };
};

/** The server decodes by apiVersion and kind; objects from a list often have neither. */
const typed = <T extends KubeObject>(ref: ResourceRef<T>, object: T): T =>
  object.kind === undefined || object.apiVersion === undefined
    ? { ...object, apiVersion: apiVersionOf(ref), kind: ref.kind }
    : object;

function resourceClient<T extends KubeObject>(ref: ResourceRef<T>, send: Send): ResourceClient<T> {
  const one = async (request: Omit<Request, "body"> & { readonly value?: unknown }): Promise<T> => {
    const { value, ...rest } = request;
    const body = value === undefined ? {} : { body: encode(value) };
    return (await parse(await send({ ...rest, ...body }))) as T;
  };
  return {
    get: (key, signal) => one({ method: "GET", path: objectPath(ref, key), signal }),
    list: (options = {}, signal) => list(ref, send, options, signal),
    create: (object, options = {}, signal) => {
      const path = collectionPath(ref, object.metadata?.namespace);
      return one({
        method: "POST",
        path: withQuery(path, writeQuery(options)),
        value: typed(ref, object),
        signal,
      });
    },
    update: (object, options = {}, signal) => {
      const path = objectPath(ref, keyOf(object), options.subresource);
      return one({
        method: "PUT",
        path: withQuery(path, writeQuery(options)),
        value: typed(ref, object),
        signal,
      });
    },
    patch: (key, patch, options = {}, signal) => {
      const { subresource, ...write } = options;
      const apply = patch.type === "apply" ? { fieldManager: patch.fieldManager } : {};
      const force = patch.type === "apply" && patch.force === true ? { force: true } : {};
      return one({
        method: "PATCH",
        path: withQuery(objectPath(ref, key, subresource), {
          ...writeQuery({ ...write, ...apply }),
          ...force,
        }),
        contentType: patchTypes[patch.type],
        value: patch.body,
        signal,
      });
    },
    delete: async (key, options = {}, signal) => {
      const body = encode(deleteBody(options));
      const response = await send({ method: "DELETE", path: objectPath(ref, key), body, signal });
      await bodyBytes(response.body);
    },
    deleteCollection: async ({ namespace, ...options }, signal) => {
      const path = withQuery(collectionPath(ref, namespace), listQuery(options));
      const body = encode(deleteBody(options));
      await bodyBytes((await send({ method: "DELETE", path, body, signal })).body);
    },
    createSubresource: async <B, R>(
      key: ObjectKey,
      subresource: string,
      value: B,
      signal?: AbortSignal,
    ) => {
      const path = objectPath(ref, key, subresource);
      return (await parse(await send({ method: "POST", path, body: encode(value), signal }))) as R;
    },
    watch: (options, signal) => watch(ref, send, options, signal),
  };
}

interface ListBody<T> {
  readonly metadata?: { readonly resourceVersion?: string; readonly continue?: string };
  readonly items?: readonly T[] | null;
}

async function list<T extends KubeObject>(
  ref: ResourceRef<T>,
  send: Send,
  options: ListOptions,
  signal: AbortSignal | undefined,
): Promise<ObjectList<T>> {
  const path = withQuery(collectionPath(ref, options.namespace), listQuery(options));
  const body = (await parse(await send({ method: "GET", path, signal }))) as ListBody<T>;
  const next = body.metadata?.continue ?? "";
  return {
    items: body.items ?? [],
    resourceVersion: body.metadata?.resourceVersion ?? "",
    ...(next === "" ? {} : { continue: next }),
  };
}

interface RawEvent<T> {
  readonly type: "ADDED" | "MODIFIED" | "DELETED" | "BOOKMARK" | "ERROR";
  readonly object: T;
}

async function* watch<T extends KubeObject>(
  ref: ResourceRef<T>,
  send: Send,
  options: WatchOptions,
  signal: AbortSignal,
): AsyncGenerator<WatchEvent<T>> {
  const path = withQuery(collectionPath(ref, options.namespace), {
    ...listQuery(options),
    watch: true,
    allowWatchBookmarks: true,
    timeoutSeconds: options.timeoutSeconds,
  });
  const { body } = await send({ method: "GET", path, signal });
  const pieces = isStream(body) ? body : piecesOf(body);
  for await (const line of jsonLines(pieces)) {
    const event = line as RawEvent<T>;
    if (event.type === "ERROR") throw errorOfEvent(event.object);
    if (event.type === "BOOKMARK")
      yield {
        type: event.type,
        resourceVersion: event.object.metadata?.resourceVersion ?? "",
      };
    else yield { type: event.type, object: event.object };
  }
}

async function* piecesOf(body: Uint8Array | readonly Uint8Array[]): AsyncGenerator<Uint8Array> {
  yield* body instanceof Uint8Array ? [body] : body;
}
