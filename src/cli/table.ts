export type Align = 'left' | 'right';

export interface Column<Row> {
  readonly title: string;
  readonly align?: Align;
  readonly cell: (row: Row) => string;
}

/** Rows as text, columns as wide as their widest cell and two blanks apart. No rows give the header alone. */
export function formatTable<Row>(columns: readonly Column<Row>[], rows: readonly Row[]): string {
  const cells = [
    columns.map((column) => column.title),
    ...rows.map((row) => columns.map((column) => column.cell(row))),
  ];
  const widths = columns.map((_, index) => Math.max(...cells.map((line) => line[index]?.length ?? 0)));
  const pad = (text: string, index: number): string => {
    const width = widths[index] ?? 0;
    return columns[index]?.align === 'right' ? text.padStart(width) : text.padEnd(width);
  };
  return cells.map((line) => line.map(pad).join('  ').trimEnd()).join('\n');
}

/** JSON with offsets as decimal strings: they can be beyond what a JSON number holds exactly. */
export function formatJson(value: unknown): string {
  return JSON.stringify(
    value,
    (_, member: unknown) => (typeof member === 'bigint' ? String(member) : member),
    2,
  );
}
