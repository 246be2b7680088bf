/**
 * All that is particular to one kind. Storage, watch, patch, tables, discovery and OpenAPI are the
 * same code for every kind; `resources.ts` is the list of these values, and a new kind is one file
 * in `kinds/` and one line there. Every function is pure.
 */
import type { KubeObject, ResourceRef } from "../../api/resource.ts";
import type { FieldError } from "../machinery/field-error.ts";
import type { UserInfo } from "./auth-contract.ts";

export interface Column<T> {
  /** "READY": title of the Table column; `get` prints it in upper case. */
  readonly name: string;
  readonly type: "string" | "integer" | "number" | "boolean" | "date";
  readonly format?: "name";
  /** 0: always shown; 1: only with -o wide. */
  readonly priority: 0 | 1;
  readonly cell: (object: T, now: number) => string | number | boolean;
}

export interface Resource<T extends KubeObject = KubeObject> {
  readonly ref: ResourceRef<T>;
  /** Where upstream keeps it in etcd: "/registry/pods", "/registry/services/specs". */
  readonly storagePrefix: string;
  readonly columns: readonly Column<T>[];
  /** Field labels for --field-selector beside metadata.name and metadata.namespace. */
  readonly fieldLabels?: Readonly<Record<string, (object: T) => string>>;
  /** Those field labels by which a list or watch of many objects is mostly asked for. */
  readonly indexedFields?: readonly string[];
  /** How names are checked; generateName uses the same rule. */
  readonly nameRule: "dns-subdomain" | "dns-label" | "dns-1035-label" | "path-segment";
  /** Defaults beyond those in the schema. Runs on every decoded object, old ones included. */
  readonly defaults?: (object: T) => T;
  /** From another version of the kind that was written under the same keys (Event). */
  readonly fromStored?: (object: KubeObject) => T;
  /** Before validation of a create: clears what clients may not set, sets what they get. */
  readonly prepareForCreate?: (object: T) => T;
  /** Before validation of a create: writes down who asked for it (CertificateSigningRequest). */
  readonly withRequester?: (object: T, user: UserInfo) => T;
  /** Before validation of an update of the main resource: keeps status, for most kinds. */
  readonly prepareForUpdate?: (object: T, before: T) => T;
  /** All that is wrong, beyond types and metadata, which are checked for every kind alike. */
  readonly validate?: (object: T, before: T | undefined) => readonly FieldError[];
  /** Present when the kind has /status: what an update of it may change (default: only status). */
  readonly status?: {
    readonly prepareForUpdate?: (object: T, before: T, nowMs: number) => T;
    readonly validate?: (object: T, before: T) => readonly FieldError[];
  };
  /** Present when the kind has /scale. `scaled` returns the object with the new count. */
  readonly scale?: {
    readonly replicas: (object: T) => number;
    readonly statusReplicas: (object: T) => number;
    /** The label selector in its text form, for status.selector. */
    readonly selector: (object: T) => string;
    readonly scaled: (object: T, replicas: number) => T;
  };
  /** True when metadata.generation counts changes to anything outside metadata and status. */
  readonly countsGenerations?: boolean;
  /** Seconds after which an object ends by itself (Events: 3600). */
  readonly timeToLiveSeconds?: number;
  /**
   * Default for gracePeriodSeconds when a delete says nothing (Pod: 30). Absent, or undefined for
   * the object as it is: deleted at once, whatever the delete says.
   */
  readonly gracePeriodSeconds?: (object: T) => number | undefined;
  readonly defaultPropagation?: "Background" | "Orphan";
  /** Kinds that stay until something beside metadata.finalizers is done (Namespace). */
  readonly deletion?: {
    readonly isPending: (object: T) => boolean;
    /** What the first delete changes beside the deletionTimestamp. */
    readonly marked: (object: T) => T;
  };
  /** True when a PUT of a name that does not exist creates it (Lease, Endpoints, Event, RBAC). */
  readonly createsOnUpdate?: boolean;
  /** True when an update must name the resourceVersion that it saw (Lease, custom kinds). */
  readonly needsVersionOnUpdate?: boolean;
  /** True when a delete answers with the object that is gone and not with a Status (Pod). */
  readonly returnsDeleted?: boolean;
}
