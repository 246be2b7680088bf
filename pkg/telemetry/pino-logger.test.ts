import { expect, it } from "vitest";
import { systemClock } from "../base/system-clock.ts";
import { pinoLogger } from "./pino-logger.ts";

it("writes one JSON line a message, with the error's whole chain", () => {
  const lines: string[] = [];
  const destination = { write: (line: string) => void lines.push(line) };
  const log = pinoLogger({
    clock: systemClock,
    level: "info",
    component: "tskubelet",
    destination,
  });
  log.debug({}, "too quiet");
  const error = new Error("start container web", { cause: new Error("EINVAL") });
  log.child({ pod: "x" }).child({ pod: "default/web" }).error({ error }, "gave up");
  const [line = "{}"] = lines;
  expect(lines).toHaveLength(1);
  expect(line.match(/"pod"/g)).toHaveLength(1);
  expect(JSON.parse(line)).toMatchObject({
    level: "error",
    component: "tskubelet",
    pod: "default/web",
    error: { message: "start container web: EINVAL" },
    msg: "gave up",
  });
});
