import { describe, expect, it } from "vitest";
import { parseMountOptions } from "./mount-options-plan.ts";

const none = {
  flags: [],
  set: [],
  clear: [],
  setBelow: [],
  clearBelow: [],
  propagation: undefined,
  bind: "no",
  data: "",
};

describe("mount options", () => {
  for (const [words, expected] of [
    [["defaults"], {}],
    [
      ["nosuid", "ro", "size=64m", "mode=755"],
      {
        flags: ["MS_NOSUID", "MS_RDONLY"],
        set: ["MOUNT_ATTR_NOSUID", "MOUNT_ATTR_RDONLY"],
        data: "size=64m,mode=755",
      },
    ],
    [["ro", "rw"], { clear: ["MOUNT_ATTR_RDONLY"] }],
    [["rbind", "rslave"], { bind: "tree", propagation: { flag: "MS_SLAVE", isRecursive: true } }],
    [["bind", "private"], { bind: "one", propagation: { flag: "MS_PRIVATE", isRecursive: false } }],
    [["rro"], { flags: ["MS_RDONLY"], setBelow: ["MOUNT_ATTR_RDONLY"] }],
    [
      ["relatime", "noatime"],
      {
        flags: ["MS_RELATIME", "MS_NOATIME"],
        set: ["MOUNT_ATTR_NOATIME"],
        clear: ["MOUNT_ATTR__ATIME"],
      },
    ],
  ] as const) {
    it(words.join(","), () => {
      expect(parseMountOptions(words)).toEqual({ ...none, ...expected });
    });
  }
});
