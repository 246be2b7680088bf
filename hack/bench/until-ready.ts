import { spawnSync } from "node:child_process";
import { systemClock } from "../../pkg/base/system-clock.ts";

/** Resolves when the server is ready; throws after a while, and names the folder of its logs. */
export async function untilReady(server: string, token: string, folder: string): Promise<void> {
  for (let attempt = 0; attempt < 2_000; attempt++) {
    const { stdout } = spawnSync(
      "curl",
      ["-sk", "-m", "2", "-H", `Authorization: Bearer ${token}`, `${server}/readyz`],
      { encoding: "utf8" },
    );
    if (stdout.trim() === "ok") return;
    await systemClock.sleep(20);
  }
  throw new Error(`${server} is not ready; see ${folder}`);
}
