import { describe, expect, it } from "vitest";
import { formatReference, InvalidReference, parseReference } from "./reference.ts";

const hex = "a".repeat(64);

describe("parseReference", () => {
  it.each([
    ["nginx", "docker.io/library/nginx:latest"],
    ["nginx:1.25", "docker.io/library/nginx:1.25"],
    ["library/nginx", "docker.io/library/nginx:latest"],
    ["docker.io/nginx", "docker.io/library/nginx:latest"],
    ["index.docker.io/nginx", "docker.io/library/nginx:latest"],
    ["bitnami/nginx:1", "docker.io/bitnami/nginx:1"],
    ["localhost/app", "localhost/app:latest"],
    ["localhost:5000/app:v1", "localhost:5000/app:v1"],
    ["127.0.0.1:5000/a/b", "127.0.0.1:5000/a/b:latest"],
    ["[::1]:5000/a", "[::1]:5000/a:latest"],
    ["registry.k8s.io/pause:3.10", "registry.k8s.io/pause:3.10"],
    [`nginx@sha256:${hex}`, `docker.io/library/nginx@sha256:${hex}`],
    [`nginx:1.25@sha256:${hex}`, `docker.io/library/nginx@sha256:${hex}`],
    ["Host/app", "Host/app:latest"],
    ["a__b/c-d.e_f", "docker.io/a__b/c-d.e_f:latest"],
  ])("%s is %s", (text, normal) => {
    expect(formatReference(parseReference(text))).toBe(normal);
    expect(formatReference(parseReference(normal))).toBe(normal);
  });

  it.each([
    "",
    ":tag",
    "Nginx",
    "docker.io/Nginx",
    "nginx:",
    "nginx:-a",
    "nginx@sha256:abc",
    "a//b",
    "a/../b",
    "-a",
    hex,
    `a/${"b".repeat(256)}`,
    "nginx ",
    "http://nginx",
  ])("refuses %j", (text) => {
    expect(() => parseReference(text)).toThrow(InvalidReference);
  });
});
