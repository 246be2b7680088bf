/**
 * Stand-ins for the images of upstream's conformance suite, under their original names: agnhost is
 * upstream's own program, built from its module; the rest comes from Debian's packages.
 */
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { noDefaults, type LayerMember } from "../pkg/images/build-image.ts";
import type { DebianImage } from "../pkg/images/debian-image.ts";
import { textMember } from "../pkg/images/debian-plan.ts";
import { busyboxImage, nginxImage } from "../pkg/images/debian-recipes.ts";
import { plainEntry } from "../pkg/images/tar-writer.ts";
import { effectiveUidProgram } from "./critest-images.ts";
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

const folder = (path: string): LayerMember => ({
  entry: { ...plainEntry, path: `${path}/`, type: "directory", mode: 0o755 },
});

/** A certificate for its TLS ports, which nobody checks. */
function certificateFiles(): readonly LayerMember[] {
  const folder = mkdtempSync(join(tmpdir(), "tskube-agnhost-"));
  try {
    const [key, crt] = ["localhost.key", "localhost.crt"].map((name) => join(folder, name));
    const subject = ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"];
    const files = ["-keyout", key ?? "", "-out", crt ?? ""];
    execFileSync(
      "openssl",
      ["req", "-x509", "-newkey", "rsa:2048", "-nodes", ...subject, ...files],
      {
        stdio: "ignore",
      },
    );
    return ["localhost.key", "localhost.crt"].map((name) =>
      textMember(name, readFileSync(join(folder, name), "utf8")),
    );
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** What upstream's has beside the program: a shell, curl, dig, a netcat that knows -z and -t. */
const agnhostImage = (agnhost: string): Omit<DebianImage, "name"> => ({
  layers: [
    ["curl", "bind9-dnsutils", "libc-bin", "netcat-openbsd", "iproute2", "bash"],
    ["busybox"],
  ],
  accounts: busyboxImage.accounts,
  extra: [
    program("agnhost", readFileSync(agnhost)),
    link("agnhost-2", "agnhost"),
    link("usr/bin/nc", "nc.openbsd"),
    ...certificateFiles(),
    folder("uploads"),
  ],
  config: { ...noDefaults, entrypoint: ["/agnhost"], cmd: ["pause"] },
});

/**
 * Busybox, and bash before it on the search path: Debian's busybox forgets variables whose names no
 * shell can set, and specs look for them; others look for what busybox's own /bin/sh says.
 */
const shellImage: Omit<DebianImage, "name"> = {
  ...busyboxImage,
  layers: [["busybox"], ["bash"]],
  extra: [folder("usr/local"), folder("usr/local/bin"), link("usr/local/bin/sh", "/usr/bin/bash")],
};

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
    busybox: shellImage,
    "glibc-dns-testing": dnsImage,
    nginx: nginxImage,
    httpd: httpdImage,
    nonewprivs: {
      ...busyboxImage,
      extra: [effectiveUidProgram(architecture)],
      config: { ...noDefaults, cmd: ["/nnp"] },
    },
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
