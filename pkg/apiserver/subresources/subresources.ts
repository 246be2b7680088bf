/** Every subresource that the server has, and the verbs of each. A kind names those it has. */
import type { CertificateSigningRequest } from "../../../api/certificates/v1.ts";
import type { Namespace, Pod, ServiceAccount } from "../../../api/core/v1.ts";
import type { TokenRequest } from "../../../api/authentication/v1.ts";
import type { Eviction } from "../../../api/policy/v1.ts";
import type { KubeObject } from "../../../api/resource.ts";
import { StatusError } from "../../machinery/status-error.ts";
import type { ApiRequest } from "../api-request.ts";
import type { IssueToken } from "../connect-contract.ts";
import { prepareApproval, validateApproval } from "../kinds/certificate-signing-request.ts";
import { validateEphemeralUpdate } from "../kinds/pod/ephemeral-update.ts";
import { badRequest } from "../refusals.ts";
import { answerObject } from "../rendering/choose-rendering.ts";
import { success } from "../serve/answers.ts";
import { decodeBody } from "../serve/bodies.ts";
import { placeOf } from "../serve/place.ts";
import { servePatchOf } from "../serve/serve-patch.ts";
import { serveGet } from "../serve/serve-reads.ts";
import type { ServeVerb, Verbs } from "../serve/serve-verb.ts";
import { serveUpdateOf, writeContextOf } from "../serve/serve-writes.ts";
import { deleteObject } from "../store/delete.ts";
import type { ResourceStore } from "../store/resource-store.ts";
import { statusMode, type UpdateMode } from "../store/update.ts";
import { serveBinding } from "./pod-binding.ts";
import { scaleVerbs } from "./scale.ts";

/** Reading a part is reading the whole; writing it goes by the rules of the part. */
const partOf = (mode: UpdateMode): Verbs => ({
  get: serveGet,
  update: serveUpdateOf(mode),
  patch: servePatchOf(mode),
});

/** Only spec.finalizers, and only here: the namespace controller's word that all is gone. */
const finalizeMode: UpdateMode = {
  subresource: "finalize",
  prepare: (_resource, sent, current) => {
    const finalizers = (sent as Namespace).spec?.finalizers ?? [];
    const before = current as Namespace;
    return { ...before, spec: { ...before.spec, finalizers } } as KubeObject;
  },
  validate: () => [],
};

/** The decision about a request for a certificate, and nothing else of it. */
const approvalMode: UpdateMode = {
  subresource: "approval",
  prepare: (_resource, sent, current, nowMs) =>
    prepareApproval(sent as CertificateSigningRequest, current as CertificateSigningRequest, nowMs),
  validate: (_resource, object, current) =>
    validateApproval(object as CertificateSigningRequest, current as CertificateSigningRequest),
};

/** Containers may be added to a running pod for looking into it, and nothing else changes. */
const ephemeralMode: UpdateMode = {
  subresource: "ephemeralcontainers",
  prepare: (_resource, sent, current) => {
    const ephemeralContainers = (sent as Pod).spec?.ephemeralContainers ?? [];
    const before = current as Pod;
    return { ...before, spec: { ...before.spec, ephemeralContainers } } as KubeObject;
  },
  validate: (_resource, object, current) => validateEphemeralUpdate(object as Pod, current as Pod),
};

/** Resources of containers, and how each may change; the containers themselves stay. */
const resizeMode: UpdateMode = {
  subresource: "resize",
  prepare: (_resource, sent, current) => {
    const wanted = new Map((sent as Pod).spec?.containers.map((one) => [one.name, one]));
    const { spec, ...before } = current as Pod;
    const containers = spec?.containers.map((container) => {
      const { resources, resizePolicy } = wanted.get(container.name) ?? container;
      return {
        ...container,
        ...(resources === undefined ? {} : { resources }),
        ...(resizePolicy === undefined ? {} : { resizePolicy }),
      };
    });
    return { ...before, spec: { ...spec, containers } } as KubeObject;
  },
  validate: () => [],
};

const evictionRef = {
  group: "policy",
  version: "v1",
  kind: "Eviction",
  schema: "policy.v1.Eviction",
} as const;

const serveEviction: ServeVerb = async (store, request) => {
  const eviction = decodeBody<Eviction>(request, evictionRef);
  const target = placeOf(store, request);
  const named = eviction.metadata?.name ?? target.name;
  if (named !== target.name) throw badRequest("name in URL does not match name in Eviction object");
  await deleteObject(store, target, eviction.deleteOptions ?? {}, writeContextOf(request));
  const { details: _details, ...status } = success({});
  return answerObject(request, status, 201);
};

const tokenRef = {
  group: "authentication.k8s.io",
  version: "v1",
  kind: "TokenRequest",
  schema: "authentication.v1.TokenRequest",
} as const;

const serveToken =
  (issueToken: IssueToken): ServeVerb =>
  async (store, request) => {
    const wanted = decodeBody<TokenRequest>(request, tokenRef);
    const entry = await store.readCurrent(placeOf(store, request), request.signal);
    const account = store.objectOf(entry) as ServiceAccount;
    await admitToken(store, request, wanted as KubeObject);
    const issued = await issueToken(account, wanted, request.signal);
    const type = { kind: "TokenRequest", apiVersion: "authentication.k8s.io/v1" };
    return answerObject(request, { ...issued, ...type }, 201);
  };

/** Who may have which token: a kubelet only those of its pods. */
const admitToken = (
  store: ResourceStore,
  request: ApiRequest,
  object: KubeObject,
): Promise<void> => {
  const { resource, parts } = store;
  const { dryRun } = writeContextOf(request);
  return parts.admission.validate({
    ...placeOf(store, request),
    verb: "create",
    resource,
    subresource: "token",
    user: request.user,
    dryRun,
    object,
    before: undefined,
    objects: parts.objects,
    clock: parts.clock,
    signal: request.signal,
  });
};

/** A token that nobody can sign is refused in the words for it. */
const noTokens: IssueToken = () =>
  Promise.reject(new StatusError("InternalError", "this server issues no tokens"));

export const subresourceVerbs = (
  issueToken: IssueToken = noTokens,
): Readonly<Record<string, Verbs>> => ({
  status: partOf(statusMode),
  approval: partOf(approvalMode),
  scale: scaleVerbs,
  finalize: { update: serveUpdateOf(finalizeMode) },
  binding: { create: serveBinding },
  eviction: { create: serveEviction },
  ephemeralcontainers: partOf(ephemeralMode),
  resize: partOf(resizeMode),
  token: { create: serveToken(issueToken) },
});
