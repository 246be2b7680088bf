/**
 * The kinds that are served, built in: the whole registry. What is not here is in no discovery,
 * since an API that stores what nothing acts on would promise too much. Order is that of discovery.
 */
import type { KubeObject } from "../../api/resource.ts";
import { certificateSigningRequests } from "./kinds/certificate-signing-request.ts";
import { configMaps } from "./kinds/config-map.ts";
import { controllerRevisions } from "./kinds/controller-revision.ts";
import { daemonSets } from "./kinds/daemon-set.ts";
import { deployments } from "./kinds/deployment.ts";
import { endpointSlices } from "./kinds/endpoint-slice.ts";
import { endpoints } from "./kinds/endpoints.ts";
import { events } from "./kinds/event.ts";
import { leases } from "./kinds/lease.ts";
import { newEvents } from "./kinds/new-event.ts";
import { namespaces } from "./kinds/namespace.ts";
import { nodes } from "./kinds/node.ts";
import { pods } from "./kinds/pod/pod.ts";
import { priorityClasses } from "./kinds/priority-class.ts";
import { clusterRoleBindings, clusterRoles, roleBindings, roles } from "./kinds/rbac.ts";
import { replicaSets } from "./kinds/replica-set.ts";
import { secrets } from "./kinds/secret.ts";
import { serviceAccounts } from "./kinds/service-account.ts";
import { services } from "./kinds/service.ts";
import type { Resource } from "./resource.ts";

/**
 * A list of kinds forgets which kind each is: the generic store hands each only its own objects.
 */
const anyKind = <T extends KubeObject>(resource: Resource<T>): Resource =>
  resource as unknown as Resource;

export const resources: readonly Resource[] = [
  anyKind(configMaps),
  anyKind(endpoints),
  anyKind(events),
  anyKind(namespaces),
  anyKind(nodes),
  anyKind(pods),
  anyKind(secrets),
  anyKind(serviceAccounts),
  anyKind(services),
  anyKind(controllerRevisions),
  anyKind(daemonSets),
  anyKind(deployments),
  anyKind(replicaSets),
  anyKind(certificateSigningRequests),
  anyKind(leases),
  anyKind(newEvents),
  anyKind(endpointSlices),
  anyKind(priorityClasses),
  anyKind(clusterRoleBindings),
  anyKind(clusterRoles),
  anyKind(roleBindings),
  anyKind(roles),
];
