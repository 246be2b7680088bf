import { spawn } from "node:child_process";
import { constants } from "node:fs";
import { access, mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import type { LocalMachine, LocalProgram } from "../../pkg/kubectl/command.ts";

/** Its exit code, or 128 and the signal's number as a shell would tell it. */
function run([program = "", ...words]: readonly string[]): Promise<number> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, words, { stdio: "inherit" });
    child.once("error", (cause) => reject(new Error(`run ${program}`, { cause })));
    child.once("close", (code) => resolve(code ?? 128));
  });
}

async function programsIn(folder: string, prefix: string): Promise<readonly LocalProgram[]> {
  const names = await readdir(folder).catch(() => []);
  return Promise.all(
    names
      .filter((name) => name.startsWith(prefix))
      .toSorted()
      .map(async (name) => {
        const path = join(folder, name);
        const isExecutable = await access(path, constants.X_OK).then(
          () => true,
          () => false,
        );
        return { path, isExecutable };
      }),
  );
}

/** The machine that this process runs on. */
export const localMachine: LocalMachine = {
  environment: (name) => process.env[name],
  writeText: (path, text) => writeFile(path, text, { mode: 0o600 }),
  makeTemporaryFolder: async (prefix) => {
    const path = await mkdtemp(join(tmpdir(), prefix));
    return {
      path,
      [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }),
    };
  },
  run,
  programs: async (prefix) => {
    const folders = [...new Set((process.env["PATH"] ?? "").split(delimiter))];
    return (await Promise.all(folders.map((folder) => programsIn(folder, prefix)))).flat();
  },
};
