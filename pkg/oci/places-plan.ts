import type { Syscall } from "../linux/syscall.ts";

/** mkdir -p inside the root; what exists stays. */
export const planFolder = (path: string): readonly Syscall[] => prefixes(path).map(makeFolder);

/** An empty file to mount on, and its folders. O_CREAT follows a link whose end is missing. */
export const planFile = (path: string): readonly Syscall[] => [
  ...prefixes(path).slice(0, -1).map(makeFolder),
  {
    call: "openat",
    args: [["AT_FDCWD"], path, ["O_CREAT", "O_RDONLY", "O_CLOEXEC", "O_NONBLOCK"], 0o644],
    because: "a file to mount on, if there is none",
    // A device, socket, busy program or another's may be there already; mounting on it needs no
    // opening.
    may: ["EEXIST", "ENXIO", "EROFS", "ETXTBSY", "EISDIR", "EACCES", "EOVERFLOW"],
  },
];

const makeFolder = (path: string): Syscall => ({
  call: "mkdirat",
  args: [["AT_FDCWD"], path, 0o755],
  because: "a place to mount on, if there is none",
  may: ["EEXIST", "EROFS", "EPERM", "EACCES", "ENOENT", "EOVERFLOW"],
});

/** "/a/b" gives "/a", "/a/b". Dots are dropped: nothing above the root is meant. */
export function prefixes(path: string): readonly string[] {
  const found: string[] = [];
  let whole = "";
  for (const part of path.split("/")) {
    if (part === "" || part === ".") continue;
    whole = `${whole}/${part}`;
    found.push(whole);
  }
  return found;
}
