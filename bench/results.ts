import { PROGRAMS } from "./programs";

export const COLUMNS = [...PROGRAMS, "stock pm2"] as const;
export type Column = (typeof COLUMNS)[number];

/** A figure, or whatever it is taken from, of each program that has one. */
export type Results<T = number> = Partial<Record<Column, T>>;

/** Takes one figure of each result. */
export function figures<T>(results: Results<T>, take: (result: T) => number): Results {
  return Object.fromEntries(Object.entries(results).map(([program, result]) => [program, take(result)]));
}

export function withDigits(figure: number, digits: number): string {
  return figure.toLocaleString("en-US", { minimumFractionDigits: digits, maximumFractionDigits: digits });
}
