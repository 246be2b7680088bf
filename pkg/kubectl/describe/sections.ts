/** Text in kubectl's describe form: keys in a column, values behind them, nested by two blanks. Pure. */
export type Section =
  | readonly [key: string, value: string | number | boolean | undefined]
  /** Several lines below each other in the value's column: labels, annotations. */
  | readonly [key: string, values: readonly string[]]
  /** A heading with sections of its own. */
  | { readonly heading: string; readonly sections: readonly Section[] }
  /** A heading with a table. */
  | { readonly heading: string; readonly table: readonly (readonly string[])[] };

const columnMin = 14;

const keyWidth = (sections: readonly Section[]): number =>
  sections.reduce(
    (width, section) =>
      Array.isArray(section) ? Math.max(width, String(section[0]).length + 3) : width,
    columnMin,
  );

function table(rows: readonly (readonly string[])[], indent: string): string {
  const widths: number[] = [];
  for (const row of rows)
    row.forEach((cell, at) => (widths[at] = Math.max(widths[at] ?? 0, cell.length)));
  return rows
    .map(
      (row) =>
        indent +
        row
          .map((cell, at) => (at === row.length - 1 ? cell : cell.padEnd((widths[at] ?? 0) + 2)))
          .join(""),
    )
    .map((line) => `${line.trimEnd()}\n`)
    .join("");
}

export function renderSections(sections: readonly Section[], indent = ""): string {
  const width = keyWidth(sections);
  return sections
    .map((section) => {
      if ("heading" in section) {
        const inner = `${indent}  `;
        if ("sections" in section)
          return `${indent}${section.heading}:\n${renderSections(section.sections, inner)}`;
        if (section.table.length <= 1)
          return `${indent}${`${section.heading}:`.padEnd(width)}<none>\n`;
        return `${indent}${section.heading}:\n${table(section.table, inner)}`;
      }
      const [key, value] = section;
      const values = Array.isArray(value) ? (value as readonly string[]) : [`${value ?? "<none>"}`];
      const lines = values.length === 0 ? ["<none>"] : values;
      return lines
        .map((line, at) => `${indent}${(at === 0 ? `${key}:` : "").padEnd(width)}${line}\n`)
        .join("");
    })
    .join("");
}

export const pairs = (
  values: Readonly<Record<string, string>> | undefined,
  between = "=",
): readonly string[] =>
  Object.entries(values ?? {})
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([key, value]) => `${key}${between}${value}`);
