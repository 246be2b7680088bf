import { describe, expect, it } from "vitest";
import { NamespaceMode, type UserNamespace } from "../../api/cri/v1.ts";
import { mapLine, podIds } from "./user-namespace-plan.ts";

const range = [{ containerId: 0, hostId: 65_536, length: 65_536 }];
const own: UserNamespace = { uids: range, gids: range };

describe("a pod's user namespace", () => {
  it("is one range from 0", () => {
    const ids = podIds({ usernsOptions: own });
    expect(ids?.uids).toEqual({ containerID: 0, hostID: 65_536, size: 65_536 });
    expect(ids === undefined ? "" : mapLine(ids.gids)).toBe("0 65536 65536\n");
  });

  it.each([
    ["nothing asked for", {}],
    ["the node's", { usernsOptions: { mode: NamespaceMode.NODE } }],
  ])("is the host's: %s", (_, options) => expect(podIds(options)).toBeUndefined());

  const two = [...range, { containerId: 1, hostId: 5, length: 1 }];
  it.each([
    ["a container's", { ...own, mode: NamespaceMode.CONTAINER }, {}, "the pod's own"],
    ["another's", { ...own, mode: NamespaceMode.TARGET }, {}, "the pod's own"],
    ["no range", { uids: range }, {}, "0 ranges of gids"],
    ["two ranges", { ...own, uids: two }, {}, "2 ranges of uids"],
    ["no root", { ...own, gids: [{ containerId: 1, hostId: 9, length: 1 }] }, {}, "0 is not"],
    ["an empty range", { ...own, gids: [{ hostId: 9 }] }, {}, "is empty"],
    ["the host's root", { ...own, uids: [{ length: 5 }] }, {}, "host's root"],
    ["the node's network", own, { network: NamespaceMode.NODE }, "node's network"],
    ["the node's processes", own, { pid: NamespaceMode.NODE }, "node's pid"],
  ])("is refused: %s", (_, usernsOptions, more, message) =>
    expect(() => podIds({ usernsOptions, ...more })).toThrow(message),
  );
});
