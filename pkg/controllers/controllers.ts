/**
 * The controllers: every one of them, in one list. Each reads and writes the API and knows none of
 * the others. A new controller is one file and one line here.
 */
import type { Program } from "../controller/controller.ts";
import { bootstrapSignerController } from "./bootstrap/bootstrap-signer.ts";
import { tokenCleanerController } from "./bootstrap/token-cleaner.ts";
import { csrApprovingController } from "./certificates/csr-approving.ts";
import { csrCleanerController } from "./certificates/csr-cleaner.ts";
import { csrSigningController, type CertificateSigning } from "./certificates/csr-signing.ts";
import { clusterRoleAggregation } from "./cluster-role-aggregation.ts";
import { daemonSetController } from "./daemonset/controller.ts";
import { deploymentController } from "./deployment/controller.ts";
import { endpointsController } from "./endpoints/controller.ts";
import { endpointSliceController } from "./endpointslice/controller.ts";
import { garbageCollector } from "./garbage-collector/controller.ts";
import { namespaceController } from "./namespace/controller.ts";
import { nodeIpamController } from "./node-ipam/controller.ts";
import type { NodeRanges } from "./node-ipam/plan.ts";
import {
  nodeLifecycleController,
  type NodeLifecycleSettings,
} from "./node-lifecycle/controller.ts";
import { podGcController } from "./pod-gc.ts";
import { replicaSetController } from "./replicaset/controller.ts";
import { rootCaPublisher } from "./root-ca-publisher.ts";
import { serviceAccountController } from "./service-account.ts";
import { taintEvictionController } from "./taint-eviction.ts";

export interface ControllerSettings {
  /** PEM: what pods verify the API server with. */
  readonly rootCa: string;
  /** Absent: nobody here signs what was approved. */
  readonly signing?: CertificateSigning;
  /** Absent: nodes have their pods' addresses from elsewhere. */
  readonly nodeRanges?: NodeRanges;
  /** How long nodes may be silent. */
  readonly nodeLifecycle?: NodeLifecycleSettings;
}

export const controllers = ({
  rootCa,
  signing,
  nodeRanges,
  nodeLifecycle,
}: ControllerSettings): readonly Program[] => [
  namespaceController,
  serviceAccountController,
  rootCaPublisher(rootCa),
  clusterRoleAggregation,
  csrApprovingController,
  ...(signing === undefined ? [] : [csrSigningController(signing)]),
  csrCleanerController,
  bootstrapSignerController,
  tokenCleanerController,
  ...(nodeRanges === undefined ? [] : [nodeIpamController(nodeRanges)]),
  nodeLifecycleController(nodeLifecycle),
  taintEvictionController,
  podGcController,
  garbageCollector,
  daemonSetController,
  deploymentController,
  replicaSetController,
  endpointsController,
  endpointSliceController,
];
