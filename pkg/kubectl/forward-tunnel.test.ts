import { expect, it } from "vitest";
import type { Clock } from "../base/clock.ts";
import { StatusError } from "../machinery/status-error.ts";
import type { PortForwardConnection } from "./command.ts";
import { ForwardTunnel } from "./forward-tunnel.ts";

/** Time passes at once: only the order counts here. */
const clock = { sleep: () => Promise.resolve() } as unknown as Clock;

function tunnelTo(paths: readonly (string | Error)[]) {
  const said: string[] = [];
  const lives: AbortController[] = [];
  const queue = [...paths];
  const tunnel = new ForwardTunnel({
    clock,
    signal: new AbortController().signal,
    path: async () => {
      const next = queue.shift() ?? new StatusError("NotFound", "gone");
      if (typeof next !== "string") throw next;
      return next;
    },
    open: async (path): Promise<PortForwardConnection> => {
      said.push(`open ${path}`);
      const life = new AbortController();
      lives.push(life);
      return {
        closed: life.signal,
        close: () => life.abort(),
        open: () => expect.fail("nobody asked for a port"),
      };
    },
    onLost: () => said.push("lost"),
    onBack: () => said.push("back"),
    onGone: (because) => said.push(`gone: ${(because as Error).message}`),
  });
  return { tunnel, said, lives };
}

it("opens once, and again after a loss, wherever it then leads", async () => {
  const { tunnel, said, lives } = tunnelTo(["a", new Error("not yet"), "b"]);
  const first = await tunnel.connection();
  expect(await tunnel.connection()).toBe(first);
  lives[0]?.abort();
  expect(await tunnel.connection()).not.toBe(first);
  expect(said).toEqual(["open a", "lost", "open b", "back"]);
});

it("can be dropped while the server still holds it", async () => {
  const { tunnel, said, lives } = tunnelTo(["a", "b"]);
  await tunnel.connection();
  tunnel.drop();
  await tunnel.connection();
  expect(said).toEqual(["open a", "lost", "open b", "back"]);
  expect(lives[0]?.signal.aborted).toBe(true);
});

it("gives up where the pod is gone for good", async () => {
  const { tunnel, said } = tunnelTo(["a"]);
  await tunnel.connection();
  tunnel.drop();
  await expect(tunnel.connection()).rejects.toThrow("gone");
  expect(said).toEqual(["open a", "lost", "gone: gone"]);
});
