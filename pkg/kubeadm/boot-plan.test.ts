import { execFileSync } from "node:child_process";
import { expect, it } from "vitest";
import { startFileText, unitText } from "./boot-plan.ts";

it("starts the very words, whatever is in them", () => {
  const words = ["printf", "%s\\n", "a b", "it's", "$HOME", "--x=`id`", ""];
  const out = execFileSync("sh", ["-c", startFileText(words)], { encoding: "utf8" });
  expect(out).toBe(`${words.slice(2).join("\n")}\n`);
});

it("is started once a boot, and leaves the containers alone when it is stopped", () => {
  const text = unitText("/etc/tskube/start-node", "/var/log/tskube/node.log");
  for (const line of [
    "ExecStart=/etc/tskube/start-node",
    "KillMode=process",
    "Restart=no",
    "StandardOutput=append:/var/log/tskube/node.log",
    "WantedBy=multi-user.target",
  ])
    expect(text.split("\n")).toContain(line);
});
