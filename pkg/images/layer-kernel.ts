/** What unpacking needs of the kernel and Node does not offer; pkg/linux implements it. */
export interface LayerKernel {
  /** mknod(2); `mode` holds the type bits. Throws with the errno's name as `code`. */
  makeNode(
    path: string,
    mode: number,
    device: { readonly major: number; readonly minor: number },
  ): void;
  /** lsetxattr(2): never follows a link at the end of `path`. */
  setXattr(path: string, name: string, value: Uint8Array): void;
  /** lgetxattr(2); undefined when the attribute is not there. */
  getXattr(path: string, name: string): Uint8Array | undefined;
  /**
   * flock(2) on a file that is made if it is missing, without waiting; undefined when another
   * process (or another open store of ours) holds it. The kernel frees it however we end.
   */
  lock(path: string, kind: "shared" | "exclusive"): Disposable | undefined;
}

export const nodeType = {
  fifo: 0o010000,
  characterDevice: 0o020000,
  blockDevice: 0o060000,
} as const;

/** How overlayfs marks a folder that hides the layers below. */
export const opaqueXattr = "trusted.overlay.opaque";
