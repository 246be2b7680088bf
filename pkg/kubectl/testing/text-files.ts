import { UsageError } from "../../base/flags.ts";
import type { Files } from "../command.ts";

/** Files out of a list of texts; a name is a folder when others begin with it. */
export function filesOf(texts: Readonly<Record<string, string>>, stdin = ""): Files {
  const missing = (path: string): UsageError => new UsageError(`the path "${path}" does not exist`);
  return {
    readText: async (path) => {
      const text = texts[path];
      if (text === undefined) throw missing(path);
      return text;
    },
    list: async (path) => {
      if (texts[path] !== undefined) return undefined;
      const prefix = `${path.replace(/\/$/, "")}/`;
      const inside = Object.keys(texts).filter((name) => name.startsWith(prefix));
      if (inside.length === 0) throw missing(path);
      return [...new Set(inside.map((name) => name.slice(prefix.length).split("/")[0] ?? ""))];
    },
    stdin: async () => stdin,
    readBytes: async (path) => {
      const text = texts[path];
      if (text === undefined) throw Object.assign(new Error(path), { code: "ENOENT" });
      return new TextEncoder().encode(text);
    },
  };
}
