import assert from "node:assert/strict";
import { describe, it } from "vitest";
import { parseImageName, pullPolicyOf, registryOf, withDefaultTag } from "./image-name.ts";
import { pullCredentials } from "./pull-credentials.ts";

const digest = `sha256:${"a".repeat(64)}`;

describe("names of images", () => {
  for (const [name, repository, tag] of [
    ["nginx", "nginx", undefined],
    ["nginx:1.27", "nginx", "1.27"],
    ["registry.example:5000/team/web", "registry.example:5000/team/web", undefined],
    ["registry.example:5000/team/web:v1", "registry.example:5000/team/web", "v1"],
    [`web@${digest}`, "web", undefined],
    ["a__b/c-d.e", "a__b/c-d.e", undefined],
  ] as const)
    it(`${name} is good`, () => {
      assert.equal(parseImageName(name)?.repository, repository);
      assert.equal(parseImageName(name)?.tag, tag);
    });
  for (const name of ["", "Nginx", "web:", "web:-x", "http://web", "a//b", "web@sha256:12", "a b"])
    it(`${JSON.stringify(name)} is none`, () => assert.equal(parseImageName(name), undefined));

  it("have a tag, a policy and a registry where none is said", () => {
    assert.equal(withDefaultTag("nginx"), "nginx:latest");
    assert.equal(withDefaultTag(`nginx@${digest}`), `nginx@${digest}`);
    assert.equal(pullPolicyOf("nginx", undefined), "Always");
    assert.equal(pullPolicyOf("nginx:1", undefined), "IfNotPresent");
    assert.equal(pullPolicyOf("nginx", "Never"), "Never");
    assert.equal(registryOf("library/nginx"), "docker.io");
    assert.equal(registryOf("localhost/nginx"), "localhost");
  });
});

describe("credentials for a pull", () => {
  const base64 = (text: string): string => Buffer.from(text).toString("base64");
  const secret = (auths: object) => ({
    data: { ".dockerconfigjson": base64(JSON.stringify({ auths })) },
  });
  const users = (image: string, auths: object): readonly (string | undefined)[] =>
    pullCredentials(image, [secret(auths)]).map(({ username }) => username);

  it("are those of the image's registry, the closest first", () => {
    const auths = {
      "https://registry.example/v1/": { auth: base64("all:pass:word") },
      "registry.example/team": { username: "team", password: "p" },
      "other.example": { username: "other", password: "p" },
    };
    assert.deepEqual(users("registry.example/team/web:1", auths), ["team", "all"]);
    assert.deepEqual(users("nginx", auths), []);
    const [only] = pullCredentials("registry.example/x", [secret(auths)]);
    assert.equal(only?.password, "pass:word");
  });

  it("know Docker's own registry by its old name, and wildcards", () => {
    assert.deepEqual(users("nginx", { "https://index.docker.io/v1/": { username: "me" } }), ["me"]);
    assert.deepEqual(users("eu.gcr.example/a", { "*.gcr.example": { username: "g" } }), ["g"]);
  });

  it("of a broken secret are none", () => {
    assert.deepEqual(pullCredentials("nginx", [{ data: { ".dockerconfigjson": "bm8=" } }]), []);
  });
});
