/** The kinds that this server answers for, found by what a path names. */
import type { Binding } from "../../../api/core/v1.ts";
import type { ResourceRef } from "../../../api/resource.ts";
import { bindings, pods } from "../../../api/resources.ts";
import type { ApiHandler } from "../api-request.ts";
import type { IssueToken, NodeProxy, Review } from "../connect-contract.ts";
import type { Stores } from "../create-stores.ts";
import { answerObject } from "../rendering/choose-rendering.ts";
import type { ResourceStore } from "../store/resource-store.ts";
import { connectVerbs } from "../subresources/connect.ts";
import { bind, bindingRef } from "../subresources/pod-binding.ts";
import { subresourceVerbs } from "../subresources/subresources.ts";
import { decodeBody } from "./bodies.ts";
import { serveGet, serveList, serveWatch } from "./serve-reads.ts";
import type { Verbs } from "./serve-verb.ts";
import { servePatch } from "./serve-patch.ts";
import { serveCreate, serveDelete, serveDeleteCollection, serveUpdate } from "./serve-writes.ts";

/** By verb. */
export type Answers = Readonly<Record<string, ApiHandler>>;

export interface Served {
  readonly ref: ResourceRef;
  readonly answers: Answers;
  readonly subresources: ReadonlyMap<string, Answers>;
}

/** What can be done to objects themselves. */
const objectVerbs: Verbs = {
  get: serveGet,
  list: serveList,
  watch: serveWatch,
  create: serveCreate,
  update: serveUpdate,
  patch: servePatch,
  delete: serveDelete,
  deletecollection: serveDeleteCollection,
};

export interface ServedParts {
  readonly stores: Stores;
  readonly reviews: readonly Review[];
  readonly issueToken?: IssueToken;
  readonly nodeProxy?: NodeProxy;
}

const bindTo = (store: ResourceStore, verbs: Verbs): Answers =>
  Object.fromEntries(
    Object.entries(verbs).map(([verb, serve]) => [verb, (request) => serve(store, request)]),
  );

function servedStore(store: ResourceStore, subresources: Readonly<Record<string, Verbs>>): Served {
  const { ref } = store.resource;
  const has = (name: string): boolean => ref.subresources.some((one) => one.name === name);
  return {
    ref,
    answers: bindTo(store, objectVerbs),
    subresources: new Map(
      Object.entries(subresources)
        .filter(([name]) => has(name))
        .map(([name, verbs]) => [name, bindTo(store, verbs)]),
    ),
  };
}

const servedReview = ({ ref, answer }: Review): Served => ({
  ref,
  answers: {
    create: async (request) => {
      const { user, signal } = request;
      const { namespace } = request.info;
      const object = decodeBody(request, ref);
      return answerObject(request, await answer(object, { user, namespace, signal }), 201);
    },
  },
  subresources: new Map(),
});

/** POST …/bindings: as pods/binding, with the pod's name in the body. */
const servedBindings = (store: ResourceStore): Served => ({
  ref: bindings,
  answers: {
    create: (request) => {
      const binding = decodeBody<Binding>(request, bindingRef);
      return bind(store, request, binding, binding.metadata?.name ?? "");
    },
  },
  subresources: new Map(),
});

const keyOf = (group: string, version: string, plural: string): string =>
  `${group}/${version}/${plural}`;

export class ServedKinds {
  readonly #kinds = new Map<string, Served>();

  constructor({ stores, reviews, issueToken, nodeProxy }: ServedParts) {
    const subresources = { ...subresourceVerbs(issueToken), ...connectVerbs(nodeProxy) };
    for (const store of stores.all) this.#add(servedStore(store, subresources));
    for (const review of reviews) this.#add(servedReview(review));
    const podStore = stores.find(pods);
    if (podStore !== undefined) this.#add(servedBindings(podStore));
  }

  #add(served: Served): void {
    const { group, version, plural } = served.ref;
    this.#kinds.set(keyOf(group, version, plural), served);
  }

  find(group: string, version: string, plural: string): Served | undefined {
    return this.#kinds.get(keyOf(group, version, plural));
  }

  refs(): readonly ResourceRef[] {
    return [...this.#kinds.values()].map(({ ref }) => ref);
  }
}
