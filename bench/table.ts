import { COLUMNS, type Column, type Results, withDigits } from "./results";
import type { Verdict } from "./wanted";

export interface Row {
  title: string;
  figures: Results;
  /** Decimal places. */
  digits: number;
  verdict?: Verdict;
}

export function renderTable(rows: readonly Row[]): string {
  const columns = COLUMNS.filter((column) => rows.some(({ figures }) => column in figures));
  const lines = [["", ...columns, "seen", "wanted", ""], ...rows.map((row) => cells(row, columns))];
  const widths = lines[0]!.map((_, column) => Math.max(...lines.map((line) => line[column]!.length)));
  const rule = widths.map((width) => "-".repeat(width));
  return [lines[0]!, rule, ...lines.slice(1)]
    .map((line) => renderLine(line, widths, columns.length + 1))
    .join("\n");
}

function cells({ title, figures, digits, verdict }: Row, columns: readonly Column[]): string[] {
  const values = columns.map((column) => {
    const figure = figures[column];
    return figure !== undefined && Number.isFinite(figure) ? withDigits(figure, digits) : "-";
  });
  return [title, ...values, verdict?.seen ?? "", verdict?.wanted ?? "", verdict?.judgement ?? ""];
}

/** Figures, up to column `last`, to the right, words to the left. */
function renderLine(line: string[], widths: number[], last: number): string {
  const padded = line.map((cell, i) =>
    i > 0 && i <= last ? cell.padStart(widths[i]!) : cell.padEnd(widths[i]!),
  );
  return padded.join("  ").trimEnd();
}

/** Progress, beside the table. */
export function note(text: string): void {
  console.error(text);
}
