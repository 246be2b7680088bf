import assert from "node:assert/strict";
import { describe, it } from "vitest";
import type { Container, Service } from "../../../api/core/v1.ts";
import { testPod } from "../testing/worker-bench.ts";
import { ConfigError, environment } from "./environment.ts";
import { serviceVariables } from "./service-variables.ts";

const service = (name: string, clusterIP: string, namespace = "default", port = 80): Service => ({
  metadata: { name, namespace },
  spec: { clusterIP, ports: [{ name: "http", port }] },
});

function resolve(
  own: Partial<Container>,
  services: readonly Service[] = [],
): Record<string, string> {
  const pod = testPod("a", { containers: [own] });
  const configMaps: Record<string, object> = { cm: { data: { a: "1", "b.c": "2", "=": "3" } } };
  const secrets: Record<string, object> = {
    s: { data: { key: Buffer.from("ü").toString("base64") } },
  };
  return Object.fromEntries(
    environment(pod.spec.containers[0]!, {
      pod: { ...pod, metadata: { ...pod.metadata, labels: { app: "web" } } },
      podIPs: ["10.0.0.1", "fd00::1"],
      nodeName: "node-1",
      nodeIPs: ["192.168.0.10"],
      allocatable: { cpu: "4", memory: "8Gi" },
      services,
      configMap: (name) => configMaps[name],
      secret: (name) => secrets[name],
    }),
  );
}

const from = (valueFrom: object): readonly { name: string; valueFrom: object }[] => [
  { name: "V", valueFrom },
];

describe("a container's environment", () => {
  it("expands what came before, and only that", () => {
    const env = [
      { name: "A", value: "one" },
      { name: "B", value: "$(A) $(C)" },
      { name: "C", value: "$(B)" },
    ];
    assert.deepEqual(resolve({ env }), { A: "one", B: "one $(C)", C: "one $(C)" });
  });

  for (const [title, valueFrom, value] of [
    ["a field", { fieldRef: { fieldPath: "status.podIPs" } }, "10.0.0.1,fd00::1"],
    ["a label", { fieldRef: { fieldPath: "metadata.labels['app']" } }, "web"],
    ["the node's address", { fieldRef: { fieldPath: "status.hostIP" } }, "192.168.0.10"],
    ["a ConfigMap", { configMapKeyRef: { name: "cm", key: "a" } }, "1"],
    ["a Secret", { secretKeyRef: { name: "s", key: "key" } }, "ü"],
    [
      "what may be missing",
      { configMapKeyRef: { name: "none", key: "a", optional: true } },
      undefined,
    ],
    ["what the node could give", { resourceFieldRef: { resource: "limits.cpu" } }, "4"],
    [
      "a divided limit",
      { resourceFieldRef: { resource: "limits.memory", divisor: "1Mi" } },
      "8192",
    ],
  ] as const)
    it(`knows ${title}`, () => assert.equal(resolve({ env: from(valueFrom) })["V"], value));

  for (const [title, own, message] of [
    [
      "a ConfigMap",
      { env: from({ configMapKeyRef: { name: "none", key: "a" } }) },
      'configmap "none" not found',
    ],
    [
      "a key",
      { env: from({ secretKeyRef: { name: "s", key: "z" } }) },
      "couldn't find key z in Secret default/s",
    ],
    ["a whole Secret", { envFrom: [{ secretRef: { name: "none" } }] }, 'secret "none" not found'],
  ] as const)
    it(`misses ${title}`, () =>
      assert.throws(
        () => resolve(own as Partial<Container>),
        (error) => error instanceof ConfigError && error.message === message,
      ));

  it("takes all keys that can be names, and its own variables before them", () => {
    const envFrom = [{ prefix: "P_", configMapRef: { name: "cm" } }];
    assert.deepEqual(resolve({ envFrom, env: [{ name: "P_a", value: "own" }] }), {
      P_a: "own",
      "P_b.c": "2",
    });
  });

  it("tells of services: its namespace's and the API server's", () => {
    const all = [
      service("kubernetes", "10.96.0.1", "default", 443),
      service("my-db", "10.96.0.7", "team", 5432),
      service("headless", "None", "team"),
      service("other", "10.96.0.8", "elsewhere"),
    ];
    const variables = Object.fromEntries(serviceVariables(all, "team", true));
    assert.equal(variables["KUBERNETES_SERVICE_HOST"], "10.96.0.1");
    assert.equal(variables["MY_DB_PORT_5432_TCP_ADDR"], "10.96.0.7");
    assert.equal(variables["MY_DB_SERVICE_PORT_HTTP"], "5432");
    assert.equal(variables["MY_DB_PORT"], "tcp://10.96.0.7:5432");
    assert.ok(!Object.keys(variables).some((name) => /HEADLESS|OTHER/.test(name)));
    const few = [...serviceVariables(all, "team", false).keys()];
    assert.ok(few.every((name) => name.startsWith("KUBERNETES_")));
  });
});
