/**
 * A controller as a value: what it reconciles, what it reads (and what of that wakes it), what it
 * writes. `run-controller.ts` runs it: queue, retries, one worker a key, and no reconcile before
 * the controller's own last writes have come back through its informers.
 */
import type { KubeObject, ResourceRef } from "../../api/resource.ts";
import type { Clock } from "../base/clock.ts";
import type { Random } from "../base/random.ts";
import type { Client, Informer, InformerOptions, Informers } from "../client/client.ts";
import type { EventRecorder } from "../client/events.ts";
import type { Logger } from "../telemetry/logger.ts";
import type { ControllerMetrics } from "./controller-metrics.ts";
import { byControllerUid, controllerKey, controllerUidIndex } from "./owner.ts";

/** The doors of every controller. */
export interface ControllerDoors {
  readonly client: Client;
  readonly informers: Informers;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  readonly events: EventRecorder;
  /** Absent: nobody asks. */
  readonly metrics?: ControllerMetrics;
}

/** What runs until its signal aborts. A list of these is a controller manager. */
export interface Program {
  readonly name: string;
  /** ServiceAccount in kube-system under whose rights it writes: upstream's name for it. */
  readonly account: string;
  /** Kinds, or aspects of kinds ("Node/taints"), that no other program of a list may claim. */
  readonly writes: readonly string[];
  /** Resolves when the signal has aborted; rejects when the program cannot go on. */
  run(doors: ControllerDoors, signal: AbortSignal): Promise<void>;
}

/** Finds declared informers: those of `reconciles` and `reads`, and no others. */
export interface Lookup {
  informer<T extends KubeObject>(ref: ResourceRef<T>): Informer<T>;
}

export interface Context extends Lookup {
  /** Remembers what was written through it: see `own-writes.ts`. */
  readonly client: Client;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  readonly events: EventRecorder;
}

/** A kind that a controller reads, and which keys a change of one of its objects wakes. */
export interface Source {
  readonly ref: ResourceRef;
  readonly indexes: InformerOptions<KubeObject>["indexes"];
  /** Only objects of this kind that match are read: "metadata.name=kube-root-ca.crt". */
  readonly fieldSelector?: string;
  readonly wakes: (object: KubeObject, lookup: Lookup) => readonly string[];
  /** Also looked at when the controller starts: what they are for may be gone since. */
  readonly wakesAtStart?: boolean;
}

export interface Result {
  /** Look again after so long, also when nothing changed. */
  readonly requeueAfterMs?: number;
}
export const done: Result = {};
export const requeueAfter = (requeueAfterMs: number): Result => ({ requeueAfterMs });

export interface Definition<T extends KubeObject> {
  readonly name: string;
  /** See Program. */
  readonly account: string;
  readonly reconciles: ResourceRef<T>;
  /** Only objects that match are reconciled, and read at all: "type=kubernetes.io/tls". */
  readonly fieldSelector?: string;
  readonly indexes?: InformerOptions<T>["indexes"];
  readonly reads: readonly Source[];
  readonly writes: readonly string[];
  /** Whom events name as their source: "replicaset-controller". */
  readonly eventSource: string;
  /** How many keys are worked on at once; 5 unless told. */
  readonly workers?: number;
  /** Brings the world to what the object says. A rejection is retried, later and later. */
  reconcile(object: T, context: Context, signal: AbortSignal): Promise<Result>;
  /** The object no longer exists: forget what was kept for it. */
  gone?(key: string, context: Context, signal: AbortSignal): Promise<void>;
}

/** Objects that this controller manages: a change wakes the owner; indexed by the owner's uid. */
export const owned = <T extends KubeObject>(ref: ResourceRef<T>, owner: ResourceRef): Source => ({
  ref,
  indexes: { [controllerUidIndex]: byControllerUid },
  wakes: (object) => {
    const key = controllerKey(object, owner);
    return key === undefined ? [] : [key];
  },
});

/** Objects that concern this controller in a way that `wakes` knows. */
export const reads = <T extends KubeObject>(
  ref: ResourceRef<T>,
  wakes: (object: T, lookup: Lookup) => readonly string[] = () => [],
  indexes: InformerOptions<T>["indexes"] = {},
): Source => ({
  ref,
  indexes: indexes as Source["indexes"],
  // The runner hands each source objects of its own kind only.
  wakes: (object, lookup) => wakes(object as T, lookup),
});

/** Objects that this controller made without an owner reference: it must clean up after itself. */
export const made = <T extends KubeObject>(
  ref: ResourceRef<T>,
  wakes: (object: T) => readonly string[],
): Source => ({ ...reads(ref, wakes), wakesAtStart: true });
