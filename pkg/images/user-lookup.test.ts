import { describe, expect, it } from "vitest";
import { lookUpUser, UnknownUser } from "./user-lookup.ts";

const files = {
  passwd: "root:x:0:0:root:/root:/bin/sh\nweb:x:33:34::/var/www:/bin/false\n1001:x:7:7::/odd:\n",
  group: "root:x:0:\nwww:x:34:web\nextra:x:50:other,web\n",
};

describe("lookUpUser", () => {
  it.each([
    ["", { uid: 0, gid: 0, memberOf: [], home: "/root" }],
    ["web", { uid: 33, gid: 34, memberOf: [34, 50], home: "/var/www" }],
    ["33", { uid: 33, gid: 34, memberOf: [34, 50], home: "/var/www" }],
    ["web:extra", { uid: 33, gid: 50, memberOf: [34, 50], home: "/var/www" }],
    ["web:99", { uid: 33, gid: 99, memberOf: [34, 50], home: "/var/www" }],
    ["5000", { uid: 5000, gid: 0, memberOf: [], home: "/" }],
    ["5000:6000", { uid: 5000, gid: 6000, memberOf: [], home: "/" }],
    ["1001", { uid: 7, gid: 7, memberOf: [], home: "/odd" }],
  ])("%j", (spec, user) => expect(lookUpUser(spec, files)).toEqual(user));

  it.each(["nobody", "web:nogroup", "99999999999", "-1"])("refuses %j", (spec) => {
    expect(() => lookUpUser(spec, files)).toThrow(UnknownUser);
  });

  it("takes root from an image without files", () => {
    expect(lookUpUser("", { passwd: "", group: "" })).toMatchObject({ uid: 0, gid: 0, home: "/" });
  });
});
