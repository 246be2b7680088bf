import { closeSync, openSync } from "node:fs";
import { SystemCallError } from "../linux/errno.ts";
import type { Kernel } from "../linux/kernel.ts";
import type { LayerKernel } from "./layer-kernel.ts";

/** Values beyond this do not concern us: overlay's marks are one letter. */
const xattrBytesMax = 4096;
/** LOCK_NB of flock(2); LOCK_SH is 1, LOCK_EX is 2. */
const lockNonBlocking = 4;

/** The layers' needs, on Linux. */
export const linuxLayerKernel = (kernel: Kernel): LayerKernel => ({
  makeNode: (path, mode, device) => {
    const number = deviceNumber(device);
    kernel.call("mknodat", [["AT_FDCWD"], path, mode & 0o7777777, number], path);
  },
  setXattr: (path, name, value) => {
    kernel.call("lsetxattr", [path, name, value, value.length, 0], path);
  },
  getXattr: (path, name) => {
    try {
      const played = kernel.play([
        {
          call: "lgetxattr",
          args: [path, name, { out: "value", bytes: xattrBytesMax }, xattrBytesMax],
          as: "length",
          because: "only overlay's own attributes tell an opaque folder",
        },
      ]);
      return played.bytes("value").subarray(0, played.result("length"));
    } catch (error) {
      if (error instanceof SystemCallError && error.code === "ENODATA") return undefined;
      throw error;
    }
  },
  lock: (path, kind) => {
    const descriptor = openSync(path, "a", 0o600);
    try {
      kernel.call("flock", [descriptor, (kind === "shared" ? 1 : 2) | lockNonBlocking], path);
    } catch (error) {
      closeSync(descriptor);
      if (error instanceof SystemCallError && error.code === "EAGAIN") return undefined;
      throw error;
    }
    return { [Symbol.dispose]: () => closeSync(descriptor) };
  },
});

/** dev_t as the kernel's mknod takes it (new_encode_dev): 12 bits of major, 20 of minor. */
const deviceNumber = ({ major, minor }: { major: number; minor: number }): number =>
  (minor & 0xff) | (major << 8) | ((minor & ~0xff) << 12);
