import { expect, it } from "vitest";
import { alignTabs } from "./tab-lines.ts";

for (const [title, text, aligned] of [
  ["pads to the widest neighbour", "a:\tx\nlong:\ty\n", "a:     x\nlong:  y\n"],
  [
    "begins anew behind a line without cells",
    "a:\tx\nHead:\nlong:\ty\n",
    "a:  x\nHead:\nlong:  y\n",
  ],
  ["never pads what ends a line", "a\tb\tc\n", "a  b  c\n"],
  ["aligns inner columns by themselves", "a\tbb\tc\nd\te\tf\ng\th\n", "a  bb  c\nd  e   f\ng  h\n"],
  ["keeps empty cells", "\tx\na\ty\n", "   x\na  y\n"],
] as const)
  it(title, () => expect(alignTabs(text)).toBe(aligned));
