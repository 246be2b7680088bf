import { defineCommand } from "../command.ts";
import { apiVersionOf } from "../resource-mapper.ts";

export const apiVersions = defineCommand({
  usage: "api-versions",
  flags: {},
  run: async (kubectl) => {
    const { resources } = await kubectl.mapper();
    const versions = new Set(resources.map(apiVersionOf));
    kubectl.terminal.out(
      [...versions]
        .toSorted()
        .map((version) => `${version}\n`)
        .join(""),
    );
    return 0;
  },
});
