/** A member of a tar archive, whatever dialect (ustar, pax, GNU, v7) told of it. */
export interface TarEntry {
  /** As in the archive: may begin with "./" or "/", may hold "..": the reader does not judge. */
  readonly path: string;
  readonly type: TarType;
  /** Permission bits with setuid, setgid and sticky. */
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  /** Bytes of content as a reader of the file sees them, holes included. */
  readonly size: number;
  /** Seconds since the epoch, with a fraction where pax gave one. */
  readonly mtime: number;
  /** Target of a symbolic link, or path in the archive of a hard link's first name. */
  readonly linkPath: string;
  readonly deviceMajor: number;
  readonly deviceMinor: number;
  /** Extended attributes by full name: "security.capability". */
  readonly xattrs: Readonly<Record<string, Uint8Array>>;
}

export type TarType =
  | "file"
  | "hardlink"
  | "symlink"
  | "character-device"
  | "block-device"
  | "directory"
  | "fifo";

/** The type flag of each type in a ustar header. */
export const tarTypeFlags: Readonly<Record<TarType, string>> = {
  file: "0",
  hardlink: "1",
  symlink: "2",
  "character-device": "3",
  "block-device": "4",
  directory: "5",
  fifo: "6",
};

export const tarBlockBytes = 512;

/** Bytes of zeros behind `size` bytes of content, up to the next block. */
export const tarPaddingBytes = (size: number): number =>
  (tarBlockBytes - (size % tarBlockBytes)) % tarBlockBytes;
