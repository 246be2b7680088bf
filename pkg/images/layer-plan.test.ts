import { describe, expect, it } from "vitest";
import { isForeignXattr, LayerError, planMember } from "./layer-plan.ts";
import { plainEntry } from "./tar-writer.ts";

const member = (path: string, more = {}) => planMember({ ...plainEntry, path, ...more });

describe("planMember", () => {
  it.each([
    ["./etc/.wh.passwd", { do: "whiteout", path: ["etc", "passwd"] }],
    ["etc/.wh..wh..opq", { do: "opaque", path: ["etc"] }],
    [".wh..wh..opq", { do: "opaque", path: [] }],
    [".wh..wh.plnk", { do: "skip" }],
    ["/.wh.x", { do: "whiteout", path: ["x"] }],
  ])("%s", (path, step) => expect(member(path)).toEqual(step));

  it("takes paths apart", () => {
    expect(member("./a//b/./c")).toMatchObject({ do: "make", path: ["a", "b", "c"] });
    expect(member("/a/b", { type: "hardlink", linkPath: "./c" })).toEqual({
      do: "hardlink",
      path: ["a", "b"],
      target: ["c"],
    });
    expect(member("./", { type: "directory" })).toMatchObject({ do: "make", path: [] });
  });

  it.each(["../etc/passwd", "a/../../b", "a/..", "a/.wh...", "a/.wh.", "a\0b", "."])(
    "refuses %j",
    (path) => expect(() => member(path)).toThrow(LayerError),
  );

  it("refuses a hard link out of the layer", () => {
    expect(() => member("a", { type: "hardlink", linkPath: "../../etc/shadow" })).toThrow("..");
  });

  it("keeps overlay's own attributes for us", () => {
    expect(isForeignXattr("trusted.overlay.opaque")).toBe(false);
    expect(isForeignXattr("security.capability")).toBe(true);
  });
});
