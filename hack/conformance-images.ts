/**
 * Stand-ins for the images of upstream's conformance suite, under their original names: agnhost is
 * upstream's own program, built from its module; the rest comes from Debian's packages.
 */
import { readFileSync } from "node:fs";
import { noDefaults, type LayerMember } from "../pkg/images/build-image.ts";
import type { DebianImage } from "../pkg/images/debian-image.ts";
import { textMember } from "../pkg/images/debian-plan.ts";
import { busyboxImage, nginxImage } from "../pkg/images/debian-recipes.ts";
import { plainEntry } from "../pkg/images/tar-writer.ts";
import { pauseProgram } from "../pkg/oci/pause-program.ts";

const pageFolder = "srv/www";
const serve = `echo httpd: serving /${pageFolder}; exec httpd -f -p 80 -h /${pageFolder}`;

const program = (path: string, content: Uint8Array): LayerMember => ({
  entry: { ...plainEntry, path, size: content.length, mode: 0o755 },
  content,
});

const link = (path: string, linkPath: string): LayerMember => ({
  entry: { ...plainEntry, path, linkPath, type: "symlink", mode: 0o777 },
});

/** What upstream's has beside the program: a shell, curl, dig, a netcat that knows -z and -t. */
const agnhostImage = (agnhost: string): Omit<DebianImage, "name"> => ({
  layers: [["curl", "bind9-dnsutils", "libc-bin", "netcat-openbsd", "iproute2"], ["busybox"]],
  accounts: busyboxImage.accounts,
  extra: [program("agnhost", readFileSync(agnhost)), link("usr/bin/nc", "nc.openbsd")],
  config: { ...noDefaults, entrypoint: ["/agnhost"], cmd: ["pause"] },
});

/** A resolver of the C library, and tools that ask name servers. */
const dnsImage: Omit<DebianImage, "name"> = {
  ...busyboxImage,
  layers: [["bind9-dnsutils", "libc-bin"], ["busybox"]],
  config: { ...noDefaults, cmd: ["sh", "-c", "sleep infinity"] },
};

const httpdImage: Omit<DebianImage, "name"> = {
  ...busyboxImage,
  extra: [textMember(`${pageFolder}/index.html`, "<html><body><h1>It works!</h1></body></html>\n")],
  config: { ...noDefaults, cmd: ["sh", "-c", serve] },
};

/** @param references what `e2e.test --list-images` prints. @param agnhost path of the program. */
export function conformanceImages(
  references: readonly string[],
  agnhost: string,
): readonly DebianImage[] {
  const architecture = process.arch === "arm64" ? "arm64" : "x64";
  const recipes: Readonly<Record<string, Omit<DebianImage, "name">>> = {
    agnhost: agnhostImage(agnhost),
    busybox: busyboxImage,
    "glibc-dns-testing": dnsImage,
    nginx: nginxImage,
    httpd: httpdImage,
    pause: {
      layers: [[]],
      accounts: [],
      extra: [program("pause", pauseProgram(architecture))],
      config: { ...noDefaults, entrypoint: ["/pause"], user: "65535:65535" },
    },
  };
  return references.flatMap((name) => {
    const base = /([^/:]+):[^/]+$/.exec(name)?.[1] ?? "";
    const recipe = recipes[base];
    return recipe === undefined ? [] : [{ ...recipe, name }];
  });
}
