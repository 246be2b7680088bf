/** Runs the plugins in their order; those that do not care for a kind cost a set's look-up. */
import { qualified } from "../refusals.ts";
import type { Resource } from "../resource.ts";
import type { Admission, AdmissionPlugin, AdmissionVerb } from "./admission.ts";
import type { KubeObject } from "../../../api/resource.ts";

export class AdmissionChain {
  readonly #plugins: readonly AdmissionPlugin[];
  readonly #chosen = new Map<string, readonly AdmissionPlugin[]>();

  constructor(plugins: readonly AdmissionPlugin[]) {
    this.#plugins = plugins;
  }

  #for(verb: AdmissionVerb, resource: Resource): readonly AdmissionPlugin[] {
    const name = qualified(resource.ref);
    const key = `${verb} ${name}`;
    let chosen = this.#chosen.get(key);
    if (chosen === undefined) {
      chosen = this.#plugins.filter(
        (plugin) => plugin.verbs.includes(verb) && (plugin.resources?.includes(name) ?? true),
      );
      this.#chosen.set(key, chosen);
    }
    return chosen;
  }

  async admit(admission: Admission): Promise<KubeObject> {
    let current = admission;
    for (const plugin of this.#for(admission.verb, admission.resource)) {
      const changed = await plugin.admit?.(current);
      if (changed !== undefined) current = { ...current, object: changed };
    }
    return current.object;
  }

  async validate(admission: Admission): Promise<void> {
    for (const plugin of this.#for(admission.verb, admission.resource)) {
      await plugin.validate?.(admission);
    }
  }
}
