import type { Event, ObjectReference } from "../../api/core/v1.ts";
import { apiVersionOf, type KubeObject, type ResourceRef } from "../../api/resource.ts";
import { events as eventsRef } from "../../api/resources.ts";
import { rfc3339, type Clock } from "../base/clock.ts";
import { chainOf } from "../base/errors.ts";
import { isReason } from "../machinery/status-error.ts";
import type { Logger } from "../telemetry/logger.ts";
import type { Client } from "./client.ts";
import { EventCorrelator, type EventNote } from "./event-correlation.ts";

/** What an event is about. `fieldPath` names a part: spec.containers{web}. */
export interface EventSubject {
  readonly ref: ResourceRef;
  readonly object: KubeObject;
  readonly fieldPath?: string;
}

/** Tells people what happened to an object, as `describe` shows it. Never fails, never waits. */
export interface EventRecorder {
  record(subject: EventSubject, type: "Normal" | "Warning", reason: string, message: string): void;
  /** The same, under the name of another component. */
  from(component: string): EventRecorder;
}

export interface EventDoors {
  readonly client: Client;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** Events that may wait to be sent; further ones are dropped. */
const pendingEventsMax = 1_000;
/** Names tried for one event before it is given up. */
const nameTries = 10;
/** Upstream's limit of an event's note. */
const messageCharsMax = 1_024;

export const noEvents: EventRecorder = { record: () => undefined, from: () => noEvents };

/**
 * Sends core v1 Events, one after another, until the signal aborts. `host`: the node that a
 * kubelet speaks for.
 */
export function createEventRecorder(
  doors: EventDoors,
  component: string,
  signal: AbortSignal,
  host = "",
): EventRecorder {
  const sender = new EventSender(doors, signal);
  const recorder = (source: string): EventRecorder => ({
    record: (subject, type, reason, message) => {
      const text = message.slice(0, messageCharsMax);
      sender.add({ subject: referenceTo(subject), component: source, host, type, reason, text });
    },
    from: recorder,
  });
  return recorder(component);
}

export function referenceTo({ ref, object, fieldPath }: EventSubject): ObjectReference {
  const { namespace, name, uid, resourceVersion } = object.metadata ?? {};
  return {
    kind: ref.kind,
    apiVersion: apiVersionOf(ref),
    ...(namespace === undefined ? {} : { namespace }),
    ...(name === undefined ? {} : { name }),
    ...(uid === undefined ? {} : { uid }),
    ...(resourceVersion === undefined ? {} : { resourceVersion }),
    ...(fieldPath === undefined ? {} : { fieldPath }),
  };
}

interface Draft {
  readonly subject: ObjectReference;
  readonly component: string;
  readonly host: string;
  readonly type: "Normal" | "Warning";
  readonly reason: string;
  readonly text: string;
}

class EventSender {
  readonly #doors: EventDoors;
  readonly #signal: AbortSignal;
  readonly #correlator = new EventCorrelator();
  readonly #pending: Draft[] = [];
  #sending = false;
  /** Makes names of our own events of one millisecond differ. */
  #count = 0;

  constructor(doors: EventDoors, signal: AbortSignal) {
    this.#doors = doors;
    this.#signal = signal;
  }

  add(draft: Draft): void {
    if (this.#signal.aborted || this.#pending.length >= pendingEventsMax) return;
    this.#pending.push(draft);
    if (!this.#sending) void this.#drain();
  }

  async #drain(): Promise<void> {
    this.#sending = true;
    for (let next = this.#pending.shift(); next !== undefined; next = this.#pending.shift())
      try {
        await this.#send(next);
      } catch (error) {
        if (this.#signal.aborted) break;
        const { reason, text } = next;
        const fields = { reason, message: text, error: chainOf(error) };
        this.#doors.logger.warn(fields, "event could not be sent");
      }
    this.#sending = false;
  }

  async #send(draft: Draft): Promise<void> {
    const now = this.#doors.clock.now();
    const note = noteOf(draft);
    const what = this.#correlator.correlate(note, now);
    if (what.do === "drop") return;
    if (what.do === "count")
      try {
        const api = this.#doors.client.resource(eventsRef);
        const { count, message } = what;
        const body = { count, message, lastTimestamp: rfc3339(now) };
        const key = { namespace: namespaceOf(draft), name: what.eventName };
        await api.patch(key, { type: "merge", body }, {}, this.#signal);
        return;
      } catch (error) {
        if (!isReason(error, "NotFound")) throw error;
        this.#correlator.forget(note, now);
      }
    const name = await this.#create(draft, what.message, now);
    this.#correlator.created(note, name, now);
  }

  /** Another component may have told of the same object at the same instant: then a name later. */
  async #create(draft: Draft, message: string, now: number): Promise<string> {
    const api = this.#doors.client.resource(eventsRef);
    for (let tries = 1; ; tries += 1) {
      const name = this.#name(draft, now);
      try {
        await api.create(eventOf(draft, name, message, now), {}, this.#signal);
        return name;
      } catch (error) {
        if (tries === nameTries || !isReason(error, "AlreadyExists")) throw error;
      }
    }
  }

  /** As upstream's: the object's name and hexadecimal nanoseconds, of which a Clock has no last. */
  #name({ subject }: Draft, now: number): string {
    const { clock } = this.#doors;
    this.#count += 1;
    const nanoseconds = Math.floor((clock.monotonic() % 1) * 1_000_000);
    const below = BigInt((nanoseconds + this.#count) % 1_000_000);
    const unique = (BigInt(Math.floor(now)) * 1_000_000n + below).toString(16);
    return `${subject.name ?? ""}.${unique}`;
  }
}

const eventOf = (draft: Draft, name: string, message: string, now: number): Event => ({
  metadata: { name, namespace: namespaceOf(draft) },
  involvedObject: draft.subject,
  reason: draft.reason,
  message,
  source: { component: draft.component, ...(draft.host === "" ? {} : { host: draft.host }) },
  firstTimestamp: rfc3339(now),
  lastTimestamp: rfc3339(now),
  count: 1,
  type: draft.type,
  reportingComponent: draft.component,
  reportingInstance: draft.host,
});

/** Events about cluster-scoped objects are kept in "default". */
const namespaceOf = ({ subject }: Draft): string => subject.namespace ?? "default";

const noteOf = ({ subject, component, host, type, reason, text }: Draft): EventNote => ({
  subject: [
    subject.kind,
    subject.namespace,
    subject.name,
    subject.uid,
    subject.fieldPath,
    subject.apiVersion,
  ].join("/"),
  source: `${component}@${host}`,
  type,
  reason,
  message: text,
});
