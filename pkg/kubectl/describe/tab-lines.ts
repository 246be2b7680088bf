/**
 * Text whose cells end at tabs, and its alignment: a column is as wide as the widest cell in the
 * lines next to each other that have it (elastic tab stops, as Go's text/tabwriter). Pure.
 */
const padding = 2;

/** Lines of cells, collected. A cell ends with a tab; what follows the last tab is not padded. */
export class TabLines {
  #text = "";

  get text(): string {
    return this.#text;
  }
  /** One line, nested by two blanks a level. */
  line(level: number, text: string): void {
    this.#text += `${"  ".repeat(level)}${text}\n`;
  }
  /** As it is, without a line's end. */
  raw(text: string): void {
    this.#text += text;
  }
}

const widthOf = (text: string): number => Array.from(text).length;

export function alignTabs(text: string): string {
  const lines = text.split("\n").map((line) => line.split("\t"));
  const widths = lines.map((): number[] => []);
  const align = (from: number, to: number, column: number): void => {
    const hasCell = (at: number): boolean => column < (lines[at]?.length ?? 0) - 1;
    for (let start = from; start < to; start++) {
      if (!hasCell(start)) continue;
      let end = start;
      let width = 0;
      for (; end < to && hasCell(end); end++)
        width = Math.max(width, widthOf(lines[end]?.[column] ?? "") + padding);
      for (let at = start; at < end; at++) widths[at]?.push(width);
      align(start, end, column + 1);
      start = end - 1;
    }
  };
  align(0, lines.length, 0);
  const padded = (cell: string, width: number | undefined): string =>
    width === undefined ? cell : cell + " ".repeat(Math.max(0, width - widthOf(cell)));
  return lines
    .map((cells, at) => cells.map((cell, column) => padded(cell, widths[at]?.[column])).join(""))
    .join("\n");
}
