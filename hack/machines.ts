/**
 * Machines on this host, to try tsadm on: `hack/machines 2` makes two on one link, with `--routed`
 * each on a link of its own behind a router; `hack/machines enter 1 [COMMAND]` goes into one (0: a
 * place between them that is none of them), `hack/machines down` removes them.
 */
import { spawnSync } from "node:child_process";
import {
  enterWords,
  makeMachines,
  outsideWords,
  readMachines,
  removeMachines,
} from "../e2e/machines.ts";

const set = "demo";
const usage = "hack/machines COUNT [--routed] | enter NUMBER [COMMAND…] | list | down";
const [verb = "list", ...words] = process.argv.slice(2);

function list(): void {
  const made = readMachines(set);
  if (made === undefined) return console.log(`there are no machines; ${usage}`);
  for (const { name, address, pid } of made.machines)
    console.log(`${name}\t${address}\tpid ${pid}`);
}

function enter([number = "", ...command]: readonly string[]): void {
  const made = readMachines(set);
  const machine = made?.machines.find(({ name }) => name === `machine-${number}`);
  if (made === undefined || (machine === undefined && number !== "0")) {
    throw new Error(`there is no machine ${number}; ${usage}`);
  }
  const inner = command.length === 0 ? [process.env["SHELL"] ?? "/bin/sh"] : command;
  const all = machine === undefined ? outsideWords(made, inner) : enterWords(machine, inner);
  const [program = "", ...rest] = all;
  // Machines see the host's files: bin/tsadm there is the one that is here.
  const here = machine === undefined ? [] : [`--wdns=${process.cwd()}`];
  process.exitCode = spawnSync(program, [...here, ...rest], { stdio: "inherit" }).status ?? 1;
}

if (verb === "down") await removeMachines(set);
else if (verb === "enter") enter(words);
else if (verb === "list") list();
else if (/^\d+$/.test(verb) && words.every((word) => word === "--routed")) {
  await makeMachines(set, Number(verb), { links: words.length > 0 ? "routed" : "shared" });
  list();
  console.log("\nNext: hack/machines enter 1 bin/tsadm init");
} else {
  console.error(usage);
  process.exitCode = 2;
}
