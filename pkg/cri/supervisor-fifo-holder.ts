import { constants, openSync } from "node:fs";
import { closeQuietly } from "../linux/process.ts";
import { fifoPaths } from "./supervisor-records.ts";

/**
 * Holds the output FIFOs of running containers open, without reading. What is in a FIFO is gone
 * when the last who has it open goes: were it only the supervisor and the container, the last
 * lines of a container that ends while its supervisor is dead would be lost.
 */
export class FifoHolder {
  readonly #stateFolder: string;
  readonly #held = new Map<string, readonly number[]>();

  constructor(stateFolder: string) {
    this.#stateFolder = stateFolder;
  }

  hold(id: string): void {
    if (this.#held.has(id)) return;
    const paths = fifoPaths(this.#stateFolder, id);
    this.#held.set(id, [paths.out, paths.err].flatMap(openIfThere));
  }

  release(id: string): void {
    for (const fd of this.#held.get(id) ?? []) closeQuietly(fd);
    this.#held.delete(id);
  }

  releaseAll(): void {
    for (const id of this.#held.keys()) this.release(id);
  }
}

/** A container with a terminal has none; one that has just been removed neither. */
function openIfThere(path: string): number[] {
  try {
    return [openSync(path, constants.O_RDONLY | constants.O_NONBLOCK)];
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return [];
    throw error;
  }
}
