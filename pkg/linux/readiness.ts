import ffi from "node:ffi";

/**
 * Readiness of any descriptor (pidfds, FIFOs, pty masters, netlink sockets) on Node's own event
 * loop: uv_poll, which the node executable exports, called by FFI. No thread, no polling.
 */
export interface Readiness {
  /** Calls back when ready, again and again while it stays so, until disposed. */
  watch(fd: number, event: "readable" | "writable", callback: () => void): Disposable;
}

/** uv.h: handle kind and event bits. */
const uvPollKind = 8;
const events = { readable: 1 | 4, writable: 2 } as const;

const openUv = () =>
  ffi.dlopen(null, {
    uv_poll_init: { arguments: ["uint64", "uint64", "int32"], return: "int32" },
    uv_poll_start: { arguments: ["uint64", "int32", "uint64"], return: "int32" },
    uv_poll_stop: { arguments: ["uint64"], return: "int32" },
    uv_close: { arguments: ["uint64", "uint64"], return: "void" },
    uv_handle_size: { arguments: ["int32"], return: "uint64" },
    calloc: { arguments: ["uint64", "uint64"], return: "uint64" },
    free: { arguments: ["uint64"], return: "void" },
  });

interface Watch {
  readonly callback: () => void;
  isQueued: boolean;
}

export function openReadiness(): Readiness {
  const { functions: uv, lib } = openUv();
  const loop = ffi.getCurrentEventLoop();
  const watches = new Map<bigint, Watch>();

  // libuv calls back outside of JavaScript's usual frame, where promises and ticks would wait for
  // the next event; setImmediate brings us into it, in the same turn of the loop.
  const onEvent = lib.registerCallback(
    { arguments: ["uint64", "int32", "int32"], return: "void" },
    (handle) => {
      const watch = watches.get(handle);
      if (watch === undefined || watch.isQueued) return;
      watch.isQueued = true;
      setImmediate(() => {
        watch.isQueued = false;
        if (watches.get(handle) === watch) watch.callback();
      });
    },
  );
  const onClosed = lib.registerCallback({ arguments: ["uint64"], return: "void" }, (handle) => {
    uv.free(handle);
  });

  return {
    watch(fd, event, callback) {
      const handle = uv.calloc(1n, uv.uv_handle_size(uvPollKind));
      const failed = uv.uv_poll_init(loop, handle, fd);
      if (failed !== 0) {
        uv.free(handle);
        throw new Error(`cannot watch descriptor ${fd}: libuv error ${failed}`);
      }
      watches.set(handle, { callback, isQueued: false });
      uv.uv_poll_start(handle, events[event], onEvent);
      return {
        [Symbol.dispose]: () => {
          if (!watches.delete(handle)) return;
          uv.uv_poll_stop(handle);
          uv.uv_close(handle, onClosed);
        },
      };
    },
  };
}
