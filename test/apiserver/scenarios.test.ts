import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { resources } from "../../pkg/apiserver/resources.ts";
import { ManualClock } from "./manual-clock.ts";
import { replay } from "./scenario.ts";
import { startTestServer } from "./start-test-server.ts";

describe("the API server answers as its scenarios say", () => {
  for (const name of ["objects", "deletion", "lists-and-watches"]) {
    it(name, async () => {
      const file = new URL(`testdata/${name}.txt`, import.meta.url);
      const clock = new ManualClock();
      const server = await startTestServer({ clock, resources });
      const transcript = await replay(readFileSync(file, "utf8"), server, clock);
      server.stop();
      await expect(transcript).toMatchFileSnapshot(file.pathname);
    });
  }
});
