/** meta.k8s.io/v1 Table, as far as it is printed. */
export interface Table {
  readonly kind: "Table";
  readonly metadata?: { readonly resourceVersion?: string; readonly continue?: string };
  readonly columnDefinitions: readonly { readonly name: string; readonly priority?: number }[];
  readonly rows: readonly TableRow[];
}
export interface TableRow {
  readonly cells: readonly unknown[];
  readonly object?: {
    readonly metadata?: {
      readonly name?: string;
      readonly namespace?: string;
      readonly labels?: Readonly<Record<string, string>>;
    };
  };
}

export interface TableOptions {
  readonly wide: boolean;
  readonly withNamespace: boolean;
  readonly showLabels: boolean;
  readonly labelColumns: readonly string[];
  /** "pod" for pod/web in the NAME column. */
  readonly kindPrefix?: string;
}

/** Blanks between columns, and how wide a column with its gap is at least. */
const gap = 3;
const columnMin = 6;

const text = (cell: unknown): string => {
  if (cell === undefined || cell === null) return "<none>";
  const line = typeof cell === "string" ? cell : JSON.stringify(cell);
  // A cell never breaks its line.
  const end = line.search(/[\n\r]/);
  return end < 0 ? line : `${line.slice(0, end)}...`;
};

const labelsText = (labels: Readonly<Record<string, string>> | undefined): string => {
  const pairs = Object.entries(labels ?? {}).map(([key, value]) => `${key}=${value}`);
  return pairs.length === 0 ? "<none>" : pairs.toSorted().join(",");
};

/** Header and rows as texts; hidden columns are left out. */
export function tableCells(table: Table, options: TableOptions): readonly (readonly string[])[] {
  const shown = table.columnDefinitions.flatMap((column, at) =>
    options.wide || (column.priority ?? 0) === 0 ? [at] : [],
  );
  const names = shown.map((at) => (table.columnDefinitions[at]?.name ?? "").toUpperCase());
  const header = [
    ...(options.withNamespace ? ["NAMESPACE"] : []),
    ...names,
    ...options.labelColumns.map((label) => label.split("/").at(-1)?.toUpperCase() ?? ""),
    ...(options.showLabels ? ["LABELS"] : []),
  ];
  const rows = table.rows.map(({ cells, object }) => {
    const values = shown.map((at) => {
      const prefix = at === 0 && options.kindPrefix !== undefined ? `${options.kindPrefix}/` : "";
      return `${prefix}${text(cells[at])}`;
    });
    const labels = object?.metadata?.labels;
    return [
      ...(options.withNamespace ? [object?.metadata?.namespace ?? ""] : []),
      ...values,
      ...options.labelColumns.map((label) => labels?.[label] ?? ""),
      ...(options.showLabels ? [labelsText(labels)] : []),
    ];
  });
  return [header, ...rows];
}

/** Columns side by side. Widths only grow, so that lines of a watch stay below each other. */
export class ColumnPrinter {
  readonly #widths: number[] = [];

  lines(rows: readonly (readonly string[])[]): string {
    for (const row of rows) {
      row.forEach(
        (cell, at) =>
          (this.#widths[at] = Math.max(this.#widths[at] ?? columnMin, cell.length + gap)),
      );
    }
    return rows.map((row) => `${this.#line(row)}\n`).join("");
  }

  #line(row: readonly string[]): string {
    return row
      .map((cell, at) => (at === row.length - 1 ? cell : cell.padEnd(this.#widths[at] ?? 0)))
      .join("");
  }
}
