import { seccompProgram, type SeccompFilter, type SeccompProfile } from "./seccomp.ts";
import type { Architecture } from "./syscall-numbers.ts";

/** Nearly all containers of a node have the same profile; text and program are some 12 KiB each. */
const programsMax = 16;

/**
 * Compiles seccomp profiles, and remembers the last ones by their text: compiling takes as long as
 * a third of a container's start.
 */
export class SeccompPrograms {
  readonly #known = new Map<string, SeccompFilter>();

  program(profile: SeccompProfile, architecture: Architecture): SeccompFilter {
    const text = `${architecture} ${JSON.stringify(profile)}`;
    const program = this.#known.get(text) ?? seccompProgram(profile, architecture);
    // The one used last goes to the end; the first is the one to forget.
    this.#known.delete(text);
    this.#known.set(text, program);
    const [oldest] = this.#known.keys();
    if (this.#known.size > programsMax && oldest !== undefined) this.#known.delete(oldest);
    return program;
  }
}
