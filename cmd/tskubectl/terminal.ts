import { once } from "node:events";
import type { Terminal } from "../../pkg/kubectl/command.ts";

/** This process's own terminal, or whatever its streams are connected to. */
export function processTerminal(): Terminal {
  const { stdin, stdout, stderr } = process;
  return {
    out: (text) => void stdout.write(text),
    err: (text) => void stderr.write(text),
    get isTty() {
      return stdin.isTTY === true && stdout.isTTY === true;
    },
    get size() {
      return { width: stdout.columns ?? 80, height: stdout.rows ?? 24 };
    },
    onResize: (listener) => {
      stdout.on("resize", listener);
      return { [Symbol.dispose]: () => void stdout.off("resize", listener) };
    },
    get input() {
      return stdin as AsyncIterable<Uint8Array>;
    },
    raw: () => {
      stdin.setRawMode(true);
      return { [Symbol.dispose]: () => void stdin.setRawMode(false) };
    },
    write: async (stream, data) => {
      const target = stream === 1 ? stdout : stderr;
      if (!target.write(data)) await once(target, "drain");
    },
  };
}
