/** The whole registry of admission plugins. Order is behaviour: each sees what the last one did. */
import { rbacEscalation } from "../auth/rbac-escalation.ts";
import type { AdmissionPlugin } from "./admission.ts";
import {
  certificateApproval,
  certificateSigning,
  certificateSubjectRestriction,
} from "./certificates.ts";
import { namespaceLifecycle } from "./namespace-lifecycle.ts";
import { nodeRestriction } from "./node-restriction.ts";
import { defaultTolerationSeconds, taintNodesByCondition } from "./pod-defaults.ts";
import { priority } from "./priority.ts";
import { serviceAccount } from "./service-account.ts";

export const defaultAdmission: readonly AdmissionPlugin[] = [
  namespaceLifecycle,
  serviceAccount,
  taintNodesByCondition,
  priority,
  defaultTolerationSeconds,
  rbacEscalation,
  nodeRestriction,
  certificateApproval,
  certificateSigning,
  certificateSubjectRestriction,
];
