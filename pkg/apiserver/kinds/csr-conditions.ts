/** Approved, Denied, Failed: what may become of a request for a certificate, and in what order. */
import type {
  CertificateSigningRequest,
  CertificateSigningRequestCondition,
} from "../../../api/certificates/v1.ts";
import { rfc3339 } from "../../base/clock.ts";
import { isSemanticallyEqual } from "../../machinery/equality.ts";
import {
  duplicate,
  forbidden,
  invalid,
  notSupported,
  required,
} from "../../machinery/field-error.ts";
import { eachAt, type Errors, none } from "./rules.ts";

type Condition = CertificateSigningRequestCondition;

const path = "status.conditions";
const approvals = ["Approved", "Denied"] as const;
/** These say what has happened, and never what has not. */
const trueOnly: ReadonlySet<string> = new Set([...approvals, "Failed"]);
const statuses = ["False", "True", "Unknown"] as const;

export const conditionsOf = ({ status }: CertificateSigningRequest): readonly Condition[] =>
  status?.conditions ?? [];

const ofType = (request: CertificateSigningRequest, type: string): readonly Condition[] =>
  conditionsOf(request).filter((condition) => condition.type === type);

/** Gives times to the conditions that have none: now, or when the same was said first. */
export function withTimes(
  request: CertificateSigningRequest,
  before: CertificateSigningRequest,
  nowMs: number,
): readonly Condition[] {
  const now = rfc3339(nowMs);
  const isSet = (time: string | null | undefined): boolean => (time ?? "") !== "";
  return conditionsOf(request).map((condition) => {
    const same = conditionsOf(before).find(
      ({ type, status, lastTransitionTime }) =>
        type === condition.type && status === condition.status && isSet(lastTransitionTime),
    );
    return {
      ...condition,
      lastUpdateTime: isSet(condition.lastUpdateTime) ? (condition.lastUpdateTime ?? now) : now,
      lastTransitionTime: isSet(condition.lastTransitionTime)
        ? (condition.lastTransitionTime ?? now)
        : (same?.lastTransitionTime ?? now),
    };
  });
}

/** Who writes the status leaves approvals as they are; adding or removing one is for validation. */
export function keepApprovals(
  request: CertificateSigningRequest,
  before: CertificateSigningRequest,
): readonly Condition[] {
  let conditions = conditionsOf(request);
  for (const type of approvals) {
    const old = ofType(before, type);
    if (old.length !== ofType(request, type).length) continue;
    const kept = old.values();
    conditions = conditions.map((one) => (one.type === type ? (kept.next().value ?? one) : one));
  }
  return conditions;
}

export function validateConditions(request: CertificateSigningRequest): Errors {
  const seen = new Set<string>();
  return eachAt(path, request.status?.conditions, (condition, at) => {
    const { type, status } = condition;
    const allowed: readonly string[] = trueOnly.has(type) ? ["True"] : statuses;
    const other = type === "Approved" ? "Denied" : type === "Denied" ? "Approved" : undefined;
    const both = "Approved and Denied conditions are mutually exclusive";
    const errors = [
      ...(type === "" ? [required(`${at}.type`)] : none),
      ...(status === ""
        ? [required(`${at}.status`)]
        : allowed.includes(status)
          ? none
          : [notSupported(`${at}.status`, status, allowed)]),
      ...(other !== undefined && seen.has(other) ? [invalid(path, type, both)] : none),
      ...(seen.has(type) ? [duplicate(`${at}.type`, type)] : none),
    ];
    seen.add(type);
    return errors;
  });
}

/** What was decided stays decided; and only /approval decides. */
export function validateConditionChanges(
  request: CertificateSigningRequest,
  before: CertificateSigningRequest,
  mayApprove: boolean,
): Errors {
  const refuse = (what: string, type: string) =>
    forbidden(path, `updates may not ${what} a condition of type ${JSON.stringify(type)}`);
  return [...trueOnly].flatMap((type) => {
    const [old, now] = [ofType(before, type), ofType(request, type)];
    if (now.length < old.length) return [refuse("remove", type)];
    if (mayApprove || type === "Failed") return none;
    if (now.length > old.length) return [refuse("add", type)];
    return isSemanticallyEqual(old, now) ? none : [refuse("modify", type)];
  });
}
