import { mkdir, readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { writeFileAtomically } from "../../files/atomic-file.ts";
import { podIds } from "../runtime/sandbox-config.ts";

/** The first 65,536 are the host's own; of 32 bits the last number says "no id". */
const rangesMax = 2 ** 32 / podIds - 2;

/**
 * Host ids of pods that have users of their own (hostUsers: false): no two pods share one. Written
 * down in the pod's folder before they are used, and free again when that is removed.
 */
export class PodIdRanges {
  readonly #pods: string;
  /** One at a time: two pods must not both find a range free. */
  #last: Promise<unknown> = Promise.resolve();

  /** `pods`: the folder of the pods' folders. */
  constructor(pods: string) {
    this.#pods = pods;
  }

  /** The host's id of the pod's root; the same at every call. */
  first(uid: string): Promise<number> {
    const found = this.#last.then(() => this.#find(uid));
    this.#last = found.catch(() => {});
    return found;
  }

  async #find(uid: string): Promise<number> {
    const known = await this.#read(uid);
    if (known !== undefined) return known;
    const others = await readdir(this.#pods).catch(() => []);
    const taken = new Set(await Promise.all(others.map((other) => this.#read(other))));
    for (let range = 1; range <= rangesMax; range++) {
      const first = range * podIds;
      if (taken.has(first)) continue;
      await mkdir(join(this.#pods, uid), { recursive: true, mode: 0o750 });
      await writeFileAtomically(this.#file(uid), `${first}\n`);
      return first;
    }
    throw new Error(`all ${rangesMax} ranges of ids are taken by pods`);
  }

  /** Undefined: none. Another content than ours would let two pods share a user: it is an error. */
  async #read(uid: string): Promise<number | undefined> {
    const text = await readFile(this.#file(uid), "utf8").catch(() => undefined);
    if (text === undefined) return undefined;
    const first = Number(text);
    if (Number.isInteger(first) && first >= podIds && first % podIds === 0) return first;
    throw new Error(`${this.#file(uid)} holds no id: ${JSON.stringify(text)}`);
  }

  #file(uid: string): string {
    return join(this.#pods, uid, "first-host-id");
  }
}
