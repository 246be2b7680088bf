import type { Flag } from "../linux/constants.ts";

/** mount(8) words sorted by what the kernel wants of them. */
export interface MountOptions {
  /** For mount(2) of a new file system. */
  readonly flags: readonly Flag[];
  /** For mount_setattr(2) of a bind mount: set and cleared. */
  readonly set: readonly Flag[];
  readonly clear: readonly Flag[];
  /** "rro" and its kin: the attribute for every mount below, too. */
  readonly setBelow: readonly Flag[];
  readonly clearBelow: readonly Flag[];
  readonly propagation: Propagation | undefined;
  readonly bind: "no" | "one" | "tree";
  /** What no one else knows is the file system's own: "size=64m,mode=755". */
  readonly data: string;
}

export interface Propagation {
  readonly flag: Flag;
  readonly isRecursive: boolean;
}

/** Word → (flag of mount(2), attribute of mount_setattr(2), set or clear). */
const attributes: Readonly<Record<string, readonly [Flag, Flag, "set" | "clear"]>> = {
  ro: ["MS_RDONLY", "MOUNT_ATTR_RDONLY", "set"],
  rw: ["MS_RDONLY", "MOUNT_ATTR_RDONLY", "clear"],
  nosuid: ["MS_NOSUID", "MOUNT_ATTR_NOSUID", "set"],
  suid: ["MS_NOSUID", "MOUNT_ATTR_NOSUID", "clear"],
  nodev: ["MS_NODEV", "MOUNT_ATTR_NODEV", "set"],
  dev: ["MS_NODEV", "MOUNT_ATTR_NODEV", "clear"],
  noexec: ["MS_NOEXEC", "MOUNT_ATTR_NOEXEC", "set"],
  exec: ["MS_NOEXEC", "MOUNT_ATTR_NOEXEC", "clear"],
  nodiratime: ["MS_NODIRATIME", "MOUNT_ATTR_NODIRATIME", "set"],
  diratime: ["MS_NODIRATIME", "MOUNT_ATTR_NODIRATIME", "clear"],
  nosymfollow: ["MS_NOSYMFOLLOW", "MOUNT_ATTR_NOSYMFOLLOW", "set"],
  symfollow: ["MS_NOSYMFOLLOW", "MOUNT_ATTR_NOSYMFOLLOW", "clear"],
};

/** The access-time policy is one field, not bits: setting it means clearing it whole first. */
const accessTimes: Readonly<Record<string, readonly [Flag, readonly Flag[]]>> = {
  noatime: ["MS_NOATIME", ["MOUNT_ATTR_NOATIME"]],
  relatime: ["MS_RELATIME", []],
  strictatime: ["MS_STRICTATIME", ["MOUNT_ATTR_STRICTATIME"]],
};

/** Words that mount(2) takes as flags and that no mount has as an attribute of its own. */
const superFlags: Readonly<Record<string, Flag>> = {
  sync: "MS_SYNCHRONOUS",
  dirsync: "MS_DIRSYNC",
  mand: "MS_MANDLOCK",
  iversion: "MS_I_VERSION",
  lazytime: "MS_LAZYTIME",
  silent: "MS_SILENT",
  remount: "MS_REMOUNT",
};

const propagations: Readonly<Record<string, Flag>> = {
  private: "MS_PRIVATE",
  shared: "MS_SHARED",
  slave: "MS_SLAVE",
  unbindable: "MS_UNBINDABLE",
};

/** Defaults of the kernel, or words of fstab that ask for nothing. */
const ignored = new Set(["defaults", "async", "nomand", "norelatime", "nostrictatime", "loud"]);

export function parseMountOptions(words: readonly string[]): MountOptions {
  const flags = new Set<Flag>();
  const [here, below] = [new Changes(), new Changes()];
  const data: string[] = [];
  let propagation: Propagation | undefined;
  let bind: MountOptions["bind"] = "no";
  for (const word of words) {
    const base = word.startsWith("r") ? word.slice(1) : undefined;
    const known = superFlags[word];
    if (word === "bind") bind = "one";
    else if (word === "rbind") bind = "tree";
    else if (propagations[word] !== undefined) {
      propagation = { flag: propagations[word], isRecursive: false };
    } else if (base !== undefined && propagations[base] !== undefined) {
      propagation = { flag: propagations[base], isRecursive: true };
    } else if (here.take(word, flags)) continue;
    else if (base !== undefined && below.take(base, flags)) continue;
    else if (known !== undefined) flags.add(known);
    else if (!ignored.has(word)) data.push(word);
  }
  return {
    flags: [...flags],
    set: [...here.set],
    clear: [...here.clear],
    setBelow: [...below.set],
    clearBelow: [...below.clear],
    propagation,
    bind,
    data: data.join(","),
  };
}

/** What the words so far set and clear; later words win. */
class Changes {
  readonly set = new Set<Flag>();
  readonly clear = new Set<Flag>();

  /** False when the word is none of its own. */
  take(word: string, flags: Set<Flag>): boolean {
    const time = accessTimes[word];
    if (time !== undefined) {
      const [flag, attribute] = time;
      flags.add(flag);
      for (const known of ["MOUNT_ATTR_NOATIME", "MOUNT_ATTR_STRICTATIME"] as const) {
        this.set.delete(known);
      }
      for (const name of attribute) this.set.add(name);
      this.clear.add("MOUNT_ATTR__ATIME");
      return true;
    }
    const known = attributes[word];
    if (known === undefined) return false;
    const [flag, attribute, change] = known;
    if (change === "set") flags.add(flag);
    else flags.delete(flag);
    this[change].add(attribute);
    this[change === "set" ? "clear" : "set"].delete(attribute);
    return true;
  }
}
