/**
 * Which Debian packages make an image, and what of them goes in. Pure.
 *
 * Of what a package depends on only libraries are followed (Section: libs): programs that need
 * debconf, perl or iproute2 need them for their maintainer scripts, which are never run here.
 */
import { latin1Text, utf8Bytes } from "./bytes.ts";
import type { TarEntry } from "./tar-entry.ts";
import { plainEntry } from "./tar-writer.ts";

/** A paragraph of apt's package lists. */
export interface DebianPackage {
  readonly name: string;
  readonly version: string;
  readonly architecture: string;
  readonly section: string;
  /** First alternatives of Depends and Pre-Depends, versions left off. */
  readonly depends: readonly string[];
  /** Hex digits. */
  readonly sha256: string;
}

/** Reads `apt-cache show --no-all-versions`. */
export function parsePackages(text: string): readonly DebianPackage[] {
  return text
    .split(/\n\n+/)
    .map(parseParagraph)
    .filter((fields) => fields.has("Package"))
    .map((fields) => ({
      name: fields.get("Package") ?? "",
      version: fields.get("Version") ?? "",
      architecture: fields.get("Architecture") ?? "",
      section: fields.get("Section") ?? "",
      depends: [fields.get("Pre-Depends"), fields.get("Depends")].flatMap(parseDepends),
      sha256: fields.get("SHA256") ?? "",
    }));
}

function parseParagraph(text: string): ReadonlyMap<string, string> {
  const unfolded = text.replace(/\n[ \t]+/g, " ");
  return new Map(
    unfolded.split("\n").flatMap((line) => {
      const colon = line.indexOf(":");
      return colon < 0 ? [] : [[line.slice(0, colon), line.slice(colon + 1).trim()] as const];
    }),
  );
}

const parseDepends = (text: string | undefined): readonly string[] =>
  (text ?? "")
    .split(",")
    .map((dependency) => /^\s*([a-z0-9][a-z0-9+.-]*)/.exec(dependency)?.[1] ?? "")
    .filter((name) => name !== "");

export const isLibrary = ({ section }: DebianPackage): boolean =>
  section === "libs" || section.endsWith("/libs");

/** As apt names a downloaded file: an epoch's colon is escaped. */
export const debFileName = ({ name, version, architecture }: DebianPackage): string =>
  `${name}_${version.replace(":", "%3a")}_${architecture}.deb`;

/** Folders that moved below /usr; packages of Debian 12 still name both places. */
const mergedFolders = ["bin", "sbin", "lib", "lib32", "lib64", "libx32"] as const;

/** What no container needs: manuals, translations, init systems' files, iconv tables. */
const unneeded = [
  /^usr\/share\/(?:man|info|locale|lintian|bug|bash-completion|apport|initramfs-tools)(?:\/|$)/,
  /^usr\/share\/doc\/(?!.*\/copyright$).*[^/]$/,
  /^etc\/(?:init\.d|init|cron\.[a-z]+|logrotate\.d|ufw|default|systemd)(?:\/|$)/,
  /^usr\/lib\/(?:systemd|[^/]+\/(?:gconv|audit))(?:\/|$)/,
];

/** The member's place in the image, without "./"; undefined when it is left out. */
export function placeInImage(path: string): string | undefined {
  const plain = path.replace(/^\.?\/+/, "").replace(/\/+$/, "");
  if (plain === "") return undefined;
  const [top = ""] = plain.split("/");
  const isMerged = mergedFolders.some((folder) => folder === top);
  // The folder itself is a link in the image.
  if (isMerged && plain === top) return undefined;
  const placed = isMerged ? `usr/${plain}` : plain;
  return unneeded.some((pattern) => pattern.test(placed)) ? undefined : placed;
}

/** Folders, links and account files that every Debian system has, and no package of ours brings. */
export function baseMembers(
  accounts: readonly { readonly name: string; readonly id: number; readonly home: string }[],
): readonly { readonly entry: TarEntry; readonly content?: Uint8Array }[] {
  const folder = (path: string, mode = 0o755) =>
    ({ entry: { ...plainEntry, path: `${path}/`, type: "directory", mode } }) as const;
  const link = (path: string, linkPath: string) =>
    ({ entry: { ...plainEntry, path, linkPath, type: "symlink", mode: 0o777 } }) as const;
  const passwd = accounts.map(({ name, id, home }) => {
    const shell = id === 0 ? "/bin/sh" : "/usr/sbin/nologin";
    return `${name}:x:${id}:${id}:${name}:${home}:${shell}\n`;
  });
  const group = accounts.map(({ name, id }) => `${name}:x:${id}:\n`);
  const merged = mergedFolders.filter((name) => name !== "lib32" && name !== "libx32");
  return [
    ...["dev", "etc", "home", "proc", "run", "sys", "usr", "var", "var/lib", "var/log"].map(
      (path) => folder(path),
    ),
    folder("root", 0o700),
    folder("tmp", 0o1777),
    folder("var/tmp", 0o1777),
    ...merged.flatMap((name) => [folder(`usr/${name}`), link(name, `usr/${name}`)]),
    link("var/run", "/run"),
    textMember("etc/passwd", passwd.join("")),
    textMember("etc/group", group.join("")),
    textMember("etc/nsswitch.conf", "passwd: files\ngroup: files\nhosts: files dns\n"),
  ];
}

export function textMember(path: string, text: string) {
  const content = utf8Bytes(text);
  return { entry: { ...plainEntry, path, size: content.length }, content };
}

/** The names that busybox answers to: its binary holds them in one sorted table. */
export function busyboxApplets(binary: Uint8Array): readonly string[] {
  const start = indexOfBytes(binary, utf8Bytes("\0[\0[[\0"));
  if (start < 0) throw new Error("this busybox holds no table of applets");
  const names: string[] = [];
  for (let at = start + 1; ;) {
    const end = binary.indexOf(0, at);
    const name = latin1Text(binary.subarray(at, end));
    if (!/^[a-z0-9[][a-z0-9_.[+-]*$/.test(name)) return names;
    names.push(name);
    at = end + 1;
  }
}

function indexOfBytes(bytes: Uint8Array, wanted: Uint8Array): number {
  const [first = 0] = wanted;
  for (let at = bytes.indexOf(first); at >= 0; at = bytes.indexOf(first, at + 1)) {
    if (wanted.every((byte, index) => bytes[at + index] === byte)) return at;
  }
  return -1;
}
