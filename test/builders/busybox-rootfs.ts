import { execFileSync } from "node:child_process";
import { copyFileSync, existsSync, mkdirSync, symlinkSync } from "node:fs";
import { dirname, join } from "node:path";

const busybox = "/bin/busybox";

/** Undefined when a root file system can be made here, else what is missing. */
export const missingForRootfs = (): string | undefined => {
  if (process.getuid?.() !== 0) return "not root";
  return existsSync(busybox) ? undefined : "no /bin/busybox (apt-get install busybox)";
};

/** A folder with Debian's busybox, the libraries that it needs, and a link for each applet. */
export function busyboxRootfs(folder: string): string {
  for (const name of ["bin", "proc", "sys", "dev", "etc", "tmp"]) {
    mkdirSync(join(folder, name), { recursive: true });
  }
  copyFileSync(busybox, join(folder, "bin/busybox"));
  for (const library of librariesOf(busybox)) {
    mkdirSync(join(folder, dirname(library)), { recursive: true });
    copyFileSync(library, join(folder, library));
  }
  const applets = execFileSync(busybox, ["--list"], { encoding: "utf8" }).trim().split("\n");
  for (const applet of applets) {
    if (applet !== "busybox") symlinkSync("busybox", join(folder, "bin", applet));
  }
  return folder;
}

/** A statically linked program has none. */
function librariesOf(program: string): readonly string[] {
  try {
    const text = execFileSync("ldd", [program], { encoding: "utf8", stdio: "pipe" });
    return [...text.matchAll(/(\/\S+) \(0x/g)].map(([, path = ""]) => path);
  } catch {
    return [];
  }
}
