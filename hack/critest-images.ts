/**
 * Stand-ins for the images that upstream's CRI validation asks for, made of Debian's packages under
 * their original names: what the suite looks at is there (users, ports, programs, how many are the
 * same), the rest is not.
 */
import { Readable } from "node:stream";
import { buildImage, noDefaults, type LayerMember } from "../pkg/images/build-image.ts";
import { buildDebianImage, type DebianImage } from "../pkg/images/debian-image.ts";
import { textMember } from "../pkg/images/debian-plan.ts";
import { busyboxImage, nginxImage } from "../pkg/images/debian-recipes.ts";
import type { Images, StoredImage } from "../pkg/images/images.ts";
import type { ContainerDefaults } from "../pkg/images/manifest.ts";
import { pauseProgram } from "../pkg/oci/pause-program.ts";
import { staticProgram } from "../pkg/oci/static-program.ts";
import type { Architecture } from "../pkg/linux/syscall-numbers.ts";
import { plainEntry } from "../pkg/images/tar-writer.ts";

export interface StandIn {
  /** registry.k8s.io/pause:3.9. None: only others are built upon it. */
  readonly references: readonly string[];
  /** `cache`: where Debian's packages are kept. */
  readonly make: (images: Images, cache: string) => Promise<StoredImage>;
}

const e2eImages = "registry.k8s.io/e2e-test-images";
const staging = "gcr.io/k8s-staging-cri-tools";
/** The one image that the suite asks for by digest. */
export const digestRepository = `${staging}/test-image-digest`;

/** A program of our own, as a file of an image. */
const program = (path: string, content: Uint8Array, mode: number): LayerMember => ({
  entry: { ...plainEntry, path, size: content.length, mode },
  content,
});

/** Prints "Effective uid: N", as instructions: geteuid, digits from behind, write, exit_group. */
const effectiveUid: Readonly<Record<Architecture, string>> = {
  x64:
    "4883ec40b86b0000000f05488d742430c6060ab90a00000031d2f7f180c230" +
    "48ffce881685c075f04883ee0f48b8456666656374697648890648b87665" +
    "207569643a2048894607488d5424314829f2bf0100000089f80f05b8e700" +
    "000031ff0f05",
  arm64:
    "ff0301d1e81580d2010000d4e1c3009142018052220000390308c21a6480021b" +
    "84c0001124fc1f38e003032a60ffff35213c00d183010058230000f983010058" +
    "237000f8e2c70091420001cb200080d2080880d2010000d4000080d2c80b80d2" +
    "010000d445666665637469767665207569643a20",
};

/** /nnp, set-uid, which tells as whom it runs. */
export const effectiveUidProgram = (architecture: Architecture): LayerMember =>
  program(
    "nnp",
    staticProgram(architecture, Buffer.from(effectiveUid[architecture], "hex")),
    0o4755,
  );

/** Busybox, with something on top. */
const onBusybox = (
  references: readonly string[],
  config: Partial<ContainerDefaults>,
  extra: readonly LayerMember[],
): StandIn => ({
  references,
  make: async (images) =>
    await buildImage(images, {
      name: references[0] ?? "",
      base: found(images, busyboxImage.name),
      config: { ...busyboxImage.config, ...config },
      layers: extra.length === 0 ? [] : [Readable.from(extra) as AsyncIterable<LayerMember>],
    }),
});

const fromPackages = (references: readonly string[], image: DebianImage): StandIn => ({
  references,
  make: async (images, cache) => await buildDebianImage(images, image, { cache }),
});

function found(images: Images, name: string): StoredImage {
  const image = images.get(name);
  if (image === undefined) throw new Error(`${name} has to be built first`);
  return image;
}

/** One of the images that differ in a file alone. */
const testImage = (name: string, ...references: readonly string[]): StandIn =>
  onBusybox(
    references.map((reference) => `${staging}/${reference}`),
    {},
    [textMember(name, "")],
  );

const userImage = (name: string, user: string): StandIn =>
  onBusybox([`${staging}/test-image-user-${name}:latest`], { user }, []);

const definedGroup = [
  textMember("etc/passwd", "root:x:0:0::/root:/bin/sh\ndefault-user:x:1000:1000::/home:/bin/sh\n"),
  textMember(
    "etc/group",
    "root:x:0:\ndefault-user:x:1000:\ngroup-defined-in-image:x:50000:default-user\n",
  ),
];

const onPort12003 = `server {
    listen 12003;
    location / { root /usr/share/nginx/html; }
}
`;

/** nginx, with a site on another port. */
const hostNetworkNginx = (architecture: Architecture): StandIn => ({
  references: [`${staging}/hostnet-nginx-${architecture === "x64" ? "amd64" : "arm64"}:latest`],
  make: async (images) => {
    const base = found(images, nginxImage.name);
    const site = textMember("etc/nginx/conf.d/default.conf", onPort12003);
    const layers = [Readable.from([site]) as AsyncIterable<LayerMember>];
    return await buildImage(images, { name: "hostnet", base, config: base.config.config, layers });
  },
});

/** In the order in which they are built. */
export function standIns(architecture: Architecture): readonly StandIn[] {
  const serve = "echo httpd: serving /srv/www; exec httpd -f -p 80 -h /srv/www";
  return [
    fromPackages([], busyboxImage),
    fromPackages([`${e2eImages}/busybox:1.29-2`], {
      ...busyboxImage,
      name: "tools",
      // Debian's busybox is built without pgrep and ipcs.
      layers: [["busybox"], ["procps", "util-linux"]],
    }),
    fromPackages([`${e2eImages}/nginx:1.14-2`], nginxImage),
    hostNetworkNginx(architecture),
    onBusybox([`${e2eImages}/httpd:2.4.39-4`], { cmd: ["sh", "-c", serve] }, [
      textMember("srv/www/index.html", "<!DOCTYPE html><title>It works</title>\n"),
    ]),
    onBusybox([`${e2eImages}/nonewprivs:1.3`], { cmd: ["/nnp"] }, [
      effectiveUidProgram(architecture),
    ]),
    fromPackages(["registry.k8s.io/pause:3.9", "k8s.gcr.io/pause:3.9"], {
      name: "pause",
      layers: [[]],
      accounts: [],
      extra: [program("pause", pauseProgram(architecture), 0o755)],
      config: { ...noDefaults, entrypoint: ["/pause"], user: "65535:65535" },
    }),
    testImage("latest", "test-image-latest:latest"),
    testImage("digest", "test-image-digest:latest"),
    testImage("tag-test", "test-image-tag:test"),
    testImage("tag-all", "test-image-tag:all"),
    testImage("1", "test-image-1:latest"),
    testImage("2", "test-image-2:latest"),
    testImage("3", "test-image-3:latest"),
    testImage("tags", "test-image-tags:1", "test-image-tags:2", "test-image-tags:3"),
    userImage("uid", "1002"),
    userImage("username", "www-data"),
    userImage("uid-group", "1003:1004"),
    userImage("username-group", "www-data:1004"),
    onBusybox([`${staging}/test-image-predefined-group:latest`], { user: "1000" }, definedGroup),
  ];
}
