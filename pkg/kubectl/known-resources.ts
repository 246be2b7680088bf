import type { ResourceRef } from "../../api/resource.ts";
import {
  configMaps,
  controllerRevisions,
  daemonSets,
  deployments,
  endpoints,
  endpointSlices,
  events,
  leases,
  namespaces,
  nodes,
  pods,
  replicaSets,
  secrets,
  serviceAccounts,
  services,
} from "../../api/resources.ts";
import { ResourceMapper, type ApiResource } from "./resource-mapper.ts";

/** As discovery would tell it. */
const discovered = ({ subresources, ...ref }: ResourceRef): ApiResource => ({
  ...ref,
  subresources: subresources.map(({ name }) => name),
});

/** What no cluster is without: a command that names only these need not ask which there are. */
const known = new ResourceMapper(
  [
    configMaps,
    endpoints,
    events,
    namespaces,
    nodes,
    pods,
    secrets,
    serviceAccounts,
    services,
    controllerRevisions,
    daemonSets,
    deployments,
    replicaSets,
    leases,
    endpointSlices,
  ].map(discovered),
);

/** "pods", "pods,svc", "pod/a": the words that name types. */
const typesOf = (words: readonly string[]): readonly string[] =>
  words.some((word) => word.includes("/"))
    ? words.map((word) => word.split("/")[0] ?? "")
    : (words[0] ?? "").split(",");

/** A mapper for these words, when they name nothing but what every cluster has. */
export const knownMapper = (words: readonly string[]): ResourceMapper | undefined =>
  typesOf(words).every((type) => known.find(type) !== undefined) ? known : undefined;
