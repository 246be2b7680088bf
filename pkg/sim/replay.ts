/**
 * A scenario is a text: a command, and under its "----" what the cluster answered. Replaying it
 * gives the same text with the answers of now, so that a difference shows what has changed.
 */
export type Commands = Readonly<Record<string, (...args: readonly string[]) => Promise<string>>>;

/** Blocks are separated by empty lines; lines that begin with "#" say what a block is about. */
export async function replay(script: string, commands: Commands): Promise<string> {
  const blocks: string[] = [];
  for (const block of script.trim().split(/\n{2,}/)) {
    const [question = ""] = block.split("\n----");
    const line = question.split("\n").find((one) => !one.startsWith("#")) ?? "";
    if (line === "") {
      blocks.push(question);
      continue;
    }
    const [name = "", ...args] = line.trim().split(/\s+/);
    const command = commands[name];
    if (command === undefined)
      throw new Error(
        `scenario: no command "${name}"; there are ${Object.keys(commands).join(", ")}`,
      );
    blocks.push(`${question}\n----\n${(await command(...args)) || "(nothing)"}`);
  }
  return `${blocks.join("\n\n")}\n`;
}
