import { describe, expect, it } from "vitest";
import { EventCorrelator, type EventNote } from "./event-correlation.ts";

const note = (message: string, more: Partial<EventNote> = {}): EventNote => ({
  subject: "Pod/default/web/uid",
  source: "kubelet@n1",
  type: "Normal",
  reason: "Pulled",
  message,
  ...more,
});

describe("EventCorrelator", () => {
  it("counts the same event on the first one", () => {
    const correlator = new EventCorrelator();
    expect(correlator.correlate(note("m"), 0)).toEqual({ do: "create", message: "m" });
    correlator.created(note("m"), "web.1", 0);
    const counted = { do: "count", eventName: "web.1", count: 2, firstMs: 0, message: "m" };
    expect(correlator.correlate(note("m"), 1_000)).toEqual(counted);
    expect(correlator.correlate(note("m"), 2_000)).toEqual({ ...counted, count: 3 });
    expect(correlator.correlate(note("other"), 3_000).do).toBe("create");
    correlator.forget(note("m"), 4_000);
    expect(correlator.correlate(note("m"), 4_000).do).toBe("create");
  });

  it("folds many different messages of one reason into one event", () => {
    const correlator = new EventCorrelator();
    const messages = Array.from({ length: 12 }, (_, index) => {
      const outcome = correlator.correlate(note(`m${index}`), index);
      if (outcome.do === "create") correlator.created(note(`m${index}`), `e${index}`, index);
      return outcome.do === "drop" ? "drop" : outcome.message;
    });
    expect(messages.slice(0, 9)).toEqual(Array.from({ length: 9 }, (_, index) => `m${index}`));
    expect(messages.slice(9)).toEqual([
      "(combined from similar events): m9",
      "(combined from similar events): m10",
      "(combined from similar events): m11",
    ]);
  });

  it("drops what one source says too often of one object, and lets it speak again later", () => {
    const correlator = new EventCorrelator();
    const outcomes = Array.from({ length: 30 }, () => correlator.correlate(note("m"), 0).do);
    expect(outcomes.filter((one) => one === "drop")).toHaveLength(5);
    expect(correlator.correlate(note("m", { subject: "Pod/other" }), 0).do).toBe("create");
    expect(correlator.correlate(note("m"), 300_000).do).not.toBe("drop");
    expect(correlator.correlate(note("m"), 300_000).do).toBe("drop");
  });
});
