import { describe, expect, it } from "vitest";
import { imagesIn } from "./cluster-spec.ts";
import { describeSource, imageSource, repositoryOf, wantedImages } from "./image-source.ts";

describe("imageSource", () => {
  for (const [text, repository, expected] of [
    [undefined, "localhost", { from: "this machine" }],
    [undefined, "registry.example/a", { from: "registry", prefix: "registry.example/a" }],
    [
      "registry.example:5000/a/",
      "localhost",
      { from: "registry", prefix: "registry.example:5000/a" },
    ],
    ["/tmp/images", "registry.example/a", { from: "archive", path: "/tmp/images" }],
    ["./images", "localhost", { from: "archive", path: "./images" }],
    ["images.tar.gz", "localhost", { from: "archive", path: "images.tar.gz" }],
  ] as const) {
    it(`is ${expected.from} for ${text ?? "nothing"} in ${repository}`, () =>
      expect(imageSource(text, repository)).toEqual(expected));
  }
  it("is not what is neither path nor place", () =>
    expect(() => imageSource("Not One", "localhost")).toThrow(
      /no path of an archive and no place/,
    ));
});

describe("wantedImages", () => {
  const cluster = imagesIn("registry.example/a");
  const elsewhere = imageSource("mirror.example/b", "registry.example/a");

  it("have the cluster's names, wherever they come from", () => {
    const [first, ...rest] = wantedImages(cluster, elsewhere, ["tskube"]);
    expect(rest).toEqual([]);
    expect(first).toEqual({
      part: "tskube",
      name: cluster.tskube,
      at: imagesIn("mirror.example/b").tskube,
    });
    expect(repositoryOf(elsewhere, "x")).toBe("mirror.example/b");
    expect(repositoryOf(imageSource("/a.tar", "x"), "x")).toBe("x");
  });

  it("are told before they are there", () => {
    expect(describeSource(elsewhere, cluster, ["tskube"])[0]).toMatch(/^pull mirror.* as registry/);
    expect(describeSource(imageSource("/a.tar", "x"), cluster, ["etcd"])).toEqual([
      `take ${cluster.etcd} from /a.tar`,
    ]);
  });
});
