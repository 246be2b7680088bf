import { once } from "node:events";
import type { Terminal } from "../../pkg/kubectl/command.ts";

/**
 * This process's own terminal, or whatever its streams are connected to. Node makes a stream when
 * it is first named, which takes a millisecond each: only what is used is.
 */
export const processTerminal = (): Terminal => ({
  out: (text) => void process.stdout.write(text),
  err: (text) => void process.stderr.write(text),
  get isTty() {
    return process.stdin.isTTY === true && process.stdout.isTTY === true;
  },
  get size() {
    return { width: process.stdout.columns ?? 80, height: process.stdout.rows ?? 24 };
  },
  onResize: (listener) => {
    process.stdout.on("resize", listener);
    return { [Symbol.dispose]: () => void process.stdout.off("resize", listener) };
  },
  get input() {
    return process.stdin as AsyncIterable<Uint8Array>;
  },
  raw: () => {
    process.stdin.setRawMode(true);
    return { [Symbol.dispose]: () => void process.stdin.setRawMode(false) };
  },
  write: async (stream, data) => {
    const target = stream === 1 ? process.stdout : process.stderr;
    if (!target.write(data)) await once(target, "drain");
  },
});
