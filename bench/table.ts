import { PROGRAMS } from "./programs";
import type { Verdict } from "./wanted";

const COLUMNS = [...PROGRAMS, "stock pm2"] as const;
export type Column = (typeof COLUMNS)[number];

/** A figure, or whatever it is taken from, of each program that has one. */
export type Results<T = number> = Partial<Record<Column, T>>;

export interface Row {
  title: string;
  figures: Results;
  /** Decimal places. */
  digits: number;
  verdict?: Verdict;
}

/** Takes one figure of each result. */
export function figures<T>(results: Results<T>, take: (result: T) => number): Results {
  return Object.fromEntries(Object.entries(results).map(([program, result]) => [program, take(result)]));
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

export function withDigits(figure: number, digits: number): string {
  return figure.toLocaleString("en-US", { minimumFractionDigits: digits, maximumFractionDigits: digits });
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
