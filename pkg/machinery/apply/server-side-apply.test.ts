import { describe, expect, it } from "vitest";
import type { Deployment } from "../../../api/apps/v1.ts";
import type { KubeObject } from "../../../api/resource.ts";
import { kubernetesSchema } from "../schema.ts";
import { isReason } from "../status-error.ts";
import { decodeFieldsV1, encodeFieldsV1 } from "./field-paths.ts";
import { applyObject, recordUpdate } from "./server-side-apply.ts";

interface Loose extends KubeObject {
  readonly spec: object;
}
const now = "2026-01-01T00:00:00Z";
const write = (manager: string) => ({
  schema: kubernetesSchema,
  key: "apps.v1.Deployment",
  manager,
  apiVersion: "apps/v1",
  resets: ["status"],
  now,
});
const deployment = (spec: object, metadata: object = {}): Loose => ({
  apiVersion: "apps/v1",
  kind: "Deployment",
  metadata: { name: "web", ...metadata },
  spec,
});
const containers = (...all: readonly object[]): object => ({
  template: { spec: { containers: all } },
});
const web = { name: "web", image: "nginx:1", ports: [{ containerPort: 80 }] };

const apply = (manager: string, live: Loose | undefined, config: Loose, force = false): Loose =>
  applyObject({ ...write(manager), force }, live, config);
const owners = (object: Loose): unknown =>
  object.metadata?.managedFields?.map(({ manager, operation, fieldsV1 }) => [
    manager,
    operation,
    fieldsV1,
  ]);
const specOf = (object: Loose): object => object.spec;

describe("server-side apply", () => {
  const created = apply("a", undefined, deployment({ replicas: 2, ...containers(web) }));

  it("creates, and owns what it set", () => {
    expect(specOf(created)).toEqual({ replicas: 2, ...containers(web) });
    expect(owners(created)).toEqual([
      [
        "a",
        "Apply",
        {
          "f:spec": {
            "f:replicas": {},
            "f:template": {
              "f:spec": {
                "f:containers": {
                  'k:{"name":"web"}': {
                    ".": {},
                    "f:image": {},
                    "f:name": {},
                    "f:ports": {
                      'k:{"containerPort":80,"protocol":"TCP"}': { ".": {}, "f:containerPort": {} },
                    },
                  },
                },
              },
            },
          },
        },
      ],
    ]);
  });

  it("takes away what it applies no more", () => {
    const again = apply("a", created, deployment(containers({ name: "web", image: "nginx:2" })));
    expect(specOf(again)).toEqual(containers({ name: "web", image: "nginx:2" }));
  });

  it("leaves what others own, and shares what all agree on", () => {
    const shared = apply(
      "b",
      created,
      deployment({
        ...containers({ name: "web", image: "nginx:1" }, { name: "side", image: "s" }),
      }),
    );
    const left = apply("a", shared, deployment({}));
    expect(specOf(left)).toEqual(
      containers({ name: "web", image: "nginx:1" }, { name: "side", image: "s" }),
    );
  });

  it("refuses to change another's field, unless forced", () => {
    const config = deployment({ replicas: 5, ...containers({ name: "web", image: "nginx:9" }) });
    try {
      apply("b", created, config);
      expect.unreachable();
    } catch (error) {
      expect(isReason(error, "Conflict")).toBe(true);
      expect(error).toMatchObject({
        message:
          'Apply failed with 2 conflicts: conflicts with "a":\n- .spec.replicas\n' +
          '- .spec.template.spec.containers[name="web"].image',
        details: {
          causes: [
            {
              reason: "FieldManagerConflict",
              message: 'conflict with "a"',
              field: ".spec.replicas",
            },
            {
              reason: "FieldManagerConflict",
              message: 'conflict with "a"',
              field: '.spec.template.spec.containers[name="web"].image',
            },
          ],
        },
      });
    }
    const forced = apply("b", created, config, true);
    expect(JSON.stringify(owners(forced)).match(/f:replicas/g)).toHaveLength(1);
    expect(apply("a", forced, deployment({})).spec).toEqual({
      replicas: 5,
      ...containers({ name: "web", image: "nginx:9" }),
    });
  });

  it("keeps the time of an owner whose fields did not change", () => {
    const later = { ...write("a"), now: "2030-01-01T00:00:00Z" };
    const config = deployment({ replicas: 2, ...containers(web) });
    expect(applyObject(later, created, config)).toEqual(created);
  });

  it("does not take owners from a client", () =>
    expect(() =>
      apply("a", undefined, deployment({}, { managedFields: [{ manager: "x" }] })),
    ).toThrow("metadata.managedFields must be nil"));

  it("gives to one name what was there before anybody applied", () => {
    const live = deployment({ replicas: 1 });
    expect(() => apply("a", live, deployment({ replicas: 2 }))).toThrow(
      'Apply failed with 1 conflict: conflict with "before-first-apply" using apps/v1: .spec.replicas',
    );
  });
});

describe("a write that is no apply", () => {
  const live = apply("a", undefined, deployment({ replicas: 2, ...containers(web) }));

  it("owns what it changed, and takes it from the others", () => {
    const after = { ...live, spec: { ...specOf(live), replicas: 7 } };
    expect(owners(recordUpdate(write("k"), live, after))).toMatchObject([
      ["a", "Apply", { "f:spec": { "f:template": {} } }],
      ["k", "Update", { "f:spec": { "f:replicas": {} } }],
    ]);
  });

  it("owns the lists and maps that it brought", () => {
    const after = deployment(containers(web), { labels: { x: "1" } });
    expect(owners(recordUpdate(write("k"), undefined, after))).toEqual([
      [
        "k",
        "Update",
        {
          "f:metadata": { "f:labels": { ".": {}, "f:x": {} } },
          "f:spec": {
            "f:template": {
              "f:spec": {
                "f:containers": {
                  'k:{"name":"web"}': {
                    ".": {},
                    "f:image": {},
                    "f:name": {},
                    "f:ports": {
                      ".": {},
                      'k:{"containerPort":80,"protocol":"TCP"}': { ".": {}, "f:containerPort": {} },
                    },
                  },
                },
              },
            },
          },
        },
      ],
    ]);
  });

  it("changes nothing when nothing changed", () =>
    expect(recordUpdate(write("k"), live, live)).toEqual(live));

  it("forgets all owners when asked to", () => {
    const after = { ...live, metadata: { ...live.metadata, managedFields: [{}] } };
    expect(owners(recordUpdate(write("k"), live, after))).toBeUndefined();
  });
});

describe("a set of fields", () => {
  it("keeps its form", () => {
    const tree = { "f:a": { ".": {}, 'v:"x"': {}, "f:b": {} }, "f:c": { "f:d": {} } };
    expect(encodeFieldsV1(decodeFieldsV1(tree))).toEqual(tree);
  });
});

/** The types of the API fit without a cast. */
export const typed = (live: Deployment, config: Deployment): Deployment =>
  applyObject(write("a"), live, config);
