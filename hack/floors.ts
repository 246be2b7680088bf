/**
 * Draws ARCHITECTURE.md's picture of the floors out of `layers.ts`: `node hack/floors.ts` rewrites
 * the part between the marks, and the architecture test compares it.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { rooms } from "./layers.ts";

const begin = "<!-- floors: drawn by hack/floors.ts -->";
const end = "<!-- end of floors -->";

/** How many rooms stand below each other under this one: its floor. */
function floorOf(path: string, seen: readonly string[] = []): number {
  const room = rooms.find((one) => one.path === path);
  const below = (room?.imports ?? []).filter((other) => !seen.includes(other));
  return below.reduce((most, other) => Math.max(most, 1 + floorOf(other, [...seen, path])), 0);
}

/**
 * One line a floor, the highest first, each room with what it may import beside the ground floors.
 */
export function drawFloors(): string {
  const floors = new Map<number, string[]>();
  for (const { path } of rooms) {
    const floor = floorOf(path);
    floors.set(floor, [...(floors.get(floor) ?? []), path]);
  }
  const lines = [...floors]
    .toSorted(([a], [b]) => b - a)
    .map(([floor, paths]) => `    ${String(floor).padStart(2)} │ ${paths.join("  ")}`);
  return [
    begin,
    "",
    "    floor │ rooms: each may import only rooms below it, as hack/layers.ts lists them",
    ...lines,
    "",
    end,
  ].join("\n");
}

/** The document with its picture drawn anew. Throws when it has no place for one. */
export function withFloors(document: string): string {
  const from = document.indexOf(begin);
  const to = document.indexOf(end);
  if (from < 0 || to < from) throw new Error(`ARCHITECTURE.md lacks the marks ${begin} and ${end}`);
  return document.slice(0, from) + drawFloors() + document.slice(to + end.length);
}

if (import.meta.main) {
  const path = new URL("../ARCHITECTURE.md", import.meta.url);
  writeFileSync(path, withFloors(readFileSync(path, "utf8")));
}
