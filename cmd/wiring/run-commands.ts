/** A program of several commands: its words choose one, and --help lists them. */
export interface Command {
  /** A phrase for the list. */
  readonly about: string;
  readonly run: (words: readonly string[]) => Promise<void>;
}
export type Commands = Readonly<Record<string, Command>>;

/** Runs the command that the first word names; without one, or with a wrong one, lists them. */
export async function runCommands(
  program: string,
  commands: Commands,
  [name = "help", ...words]: readonly string[],
): Promise<void> {
  const command = commands[name];
  if (command !== undefined) return await command.run(words);
  const width = Math.max(...Object.keys(commands).map(({ length }) => length)) + 2;
  const lines = Object.entries(commands).map(
    ([word, { about }]) => `  ${word.padEnd(width)}${about}`,
  );
  const isHelp = ["help", "--help", "-h"].includes(name);
  const head = isHelp ? `${program} COMMAND [--help]` : `${program}: unknown command "${name}"`;
  (isHelp ? process.stdout : process.stderr).write(`${head}\n\nCommands:\n${lines.join("\n")}\n`);
  process.exitCode = isHelp ? 0 : 2;
}

/** Values of a list flag, given one by one or with commas between. */
export const splitList = (values: readonly string[]): readonly string[] =>
  values.flatMap((value) => value.split(",")).filter((value) => value !== "");
