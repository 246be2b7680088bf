import { readFileSync } from "node:fs";
import { join } from "node:path";
import { root } from "./test-bed.ts";

/** Sockets that docs/security.md lists under a heading: "tcp 0.0.0.0:6443", "unix /run/…". */
export function listedSockets(heading: string): readonly string[] {
  const text = readFileSync(join(root, "docs/security.md"), "utf8");
  const [, section] = text.split(`### ${heading}\n`);
  if (section === undefined) throw new Error(`docs/security.md has no section "${heading}"`);
  const table = section.split(/^#/m)[0] ?? "";
  const rows = table.split("\n").filter((line) => line.startsWith("| `"));
  return rows.flatMap((row) =>
    [...(row.split("|")[1] ?? "").matchAll(/`([^`]+)`/g)].map(([, socket = ""]) => socket),
  );
}

/** Sockets that listen where `run` runs a command, named the same way; each once. */
export function listeningSockets(
  run: (program: string, ...args: readonly string[]) => string,
): readonly string[] {
  const inet = run("ss", "-Hlntu")
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => {
      const [protocol = "", , , , address = ""] = line.split(/\s+/);
      return `${protocol} ${address}`;
    });
  const unix = run("ss", "-Hlx")
    .split("\n")
    .map((line) => line.split(/\s+/)[4] ?? "")
    // A name that the kernel gave (unix(7), autobind): of who sends, not of who is asked.
    .filter((name) => name !== "" && !/^@[0-9a-f]{5}$/.test(name))
    .map((name) => `unix ${name}`);
  return [...new Set([...inet, ...unix])];
}

const isListed = (socket: string, row: string): boolean =>
  row.endsWith(":any")
    ? socket.startsWith(row.slice(0, -"any".length)) &&
      Number(socket.slice(socket.lastIndexOf(":") + 1)) >= 32_768
    : socket === row;

export interface Difference {
  /** Listen, and no row says so. */
  readonly unlisted: readonly string[];
  /** Are listed, and nothing listens. */
  readonly missing: readonly string[];
}

/** Compares both ways; sockets of a row with a fixed port are no candidates for `any`. */
export function compareSockets(sockets: readonly string[], rows: readonly string[]): Difference {
  return {
    unlisted: sockets.filter((socket) => !rows.some((row) => isListed(socket, row))),
    missing: rows.filter(
      (row) => !sockets.some((socket) => isListed(socket, row) && !isOther(socket, row, rows)),
    ),
  };
}

const isOther = (socket: string, row: string, rows: readonly string[]): boolean =>
  row.endsWith(":any") && rows.includes(socket);
