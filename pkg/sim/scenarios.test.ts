import { readFileSync, readdirSync } from "node:fs";
import { expect, it } from "vitest";
import { replay } from "./replay.ts";
import { simulate } from "./simulate.ts";
import { clusterCommands } from "./testing/cluster-commands.ts";

const folder = new URL("testdata/", import.meta.url).pathname;

for (const file of readdirSync(folder))
  it(file.replace(/\.txt$/, "").replaceAll("-", " "), async () => {
    await using cluster = await simulate({ seed: 1, nodes: 3 });
    await cluster.clock.advance(1_000);
    const transcript = await replay(readFileSync(folder + file, "utf8"), clusterCommands(cluster));
    await expect(transcript).toMatchFileSnapshot(folder + file);
  });

it("names the commands that there are when a scenario has another", async () => {
  const known = { wait: async () => "waited" };
  await expect(replay("wait\n\nsleep 5", known)).rejects.toThrow(
    'no command "sleep"; there are wait',
  );
  expect(await replay("# why\nwait\n----\nold answer", known)).toBe("# why\nwait\n----\nwaited\n");
});
