import { describe, expect, it } from "vitest";
import {
  busyboxApplets,
  debFileName,
  isLibrary,
  parsePackages,
  placeInImage,
} from "./debian-plan.ts";

const listing = `Package: nginx
Version: 1.22.1-9
Architecture: amd64
Depends: libc6 (>= 2.34), libpcre2-8-0 (>= 10.22), zlib1g (>= 1:1.1.4) | other,
 nginx-common (<< 2)
Pre-Depends: init-system-helpers
Section: httpd
SHA256: abc
Description: small
 but folded

Package: zlib1g
Version: 1:1.2.13
Architecture: amd64
Section: libs
`;

describe("parsePackages", () => {
  it("reads paragraphs", () => {
    const [nginx, zlib] = parsePackages(listing);
    expect(nginx?.depends).toEqual([
      "init-system-helpers",
      "libc6",
      "libpcre2-8-0",
      "zlib1g",
      "nginx-common",
    ]);
    expect(nginx && isLibrary(nginx)).toBe(false);
    expect(zlib && isLibrary(zlib)).toBe(true);
    expect(zlib && debFileName(zlib)).toBe("zlib1g_1%3a1.2.13_amd64.deb");
  });
});

describe("placeInImage", () => {
  it.each([
    ["./", undefined],
    ["./lib/", undefined],
    ["./lib/x86_64-linux-gnu/libc.so.6", "usr/lib/x86_64-linux-gnu/libc.so.6"],
    ["./usr/sbin/nginx", "usr/sbin/nginx"],
    ["./usr/share/man/man8/nginx.8.gz", undefined],
    ["./usr/share/doc/nginx/changelog.gz", undefined],
    ["./usr/share/doc/nginx/copyright", "usr/share/doc/nginx/copyright"],
    ["./etc/init.d/nginx", undefined],
    ["./etc/nginx/nginx.conf", "etc/nginx/nginx.conf"],
    ["./lib/systemd/system/nginx.service", undefined],
    ["./usr/lib/x86_64-linux-gnu/gconv/UTF-16.so", undefined],
  ])("%s goes to %s", (path, place) => expect(placeInImage(path)).toBe(place));
});

it("finds busybox's applets in its binary", () => {
  const binary = Buffer.from("junk\0[\0[[\0acpid\0ar\0bunzip2\0\0more");
  expect(busyboxApplets(binary)).toEqual(["[", "[[", "acpid", "ar", "bunzip2"]);
});
