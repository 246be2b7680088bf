import assert from "node:assert/strict";
import { describe, it } from "vitest";
import { testPod } from "../testing/worker-bench.ts";
import { admit } from "./admit.ts";

const asking = (cpu: string, memory = "0") =>
  testPod("a", { containers: [{ resources: { requests: { cpu, memory } } }] });
const node = { cpu: "2", memory: "1Gi", pods: "3" };

describe("admit", () => {
  it("takes what fits to the last thousandth", () => {
    assert.equal(admit(asking("500m"), [asking("1"), asking("0.5")], node), undefined);
  });

  it("refuses with the numbers", () => {
    assert.deepEqual(admit(asking("600m"), [asking("1500m")], node), {
      reason: "OutOfcpu",
      message: "Node didn't have enough resource: cpu, requested: 600, used: 1500, capacity: 2000",
    });
    assert.equal(admit(asking("0", "2Gi"), [], node)?.reason, "OutOfmemory");
    assert.equal(
      admit(asking("0"), [asking("0"), asking("0"), asking("0")], node)?.reason,
      "OutOfpods",
    );
  });

  it("does not count pods that have ended", () => {
    const ended = { ...asking("2"), status: { phase: "Succeeded" } };
    assert.equal(admit(asking("2"), [ended], node), undefined);
  });

  it("lets static pods in", () => {
    const pod = asking("64");
    const its = {
      ...pod,
      metadata: { ...pod.metadata, annotations: { "kubernetes.io/config.source": "file" } },
    };
    assert.equal(admit(its, [], node), undefined);
  });

  it("counts the largest init container beside the sidecars before it", () => {
    const requests = (cpu: string) => ({ resources: { requests: { cpu } } });
    const pod = testPod("a", {
      initContainers: [
        { name: "side", restartPolicy: "Always", ...requests("1") },
        { name: "big", ...requests("4") },
      ],
      containers: [requests("2")],
    });
    assert.equal(admit(pod, [], { cpu: "5", pods: "1" }), undefined);
    assert.match(admit(pod, [], { cpu: "4999m", pods: "1" })?.message ?? "", /requested: 5000/);
  });
});
