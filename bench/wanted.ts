import { type Column, type Results, withDigits } from "./results";

/** What was asked of this package, beside what was seen. Nothing fails on it. */
export interface Verdict {
  seen: string;
  wanted: string;
  judgement: "met" | "missed" | "?";
}

export function atLeastTimes(results: Results, times: number, other: Column): Verdict {
  const ratio = (results["pm2-socket.io"] ?? Number.NaN) / (results[other] ?? Number.NaN);
  return verdict(ratio, `${withDigits(ratio, 2)} x`, `at least ${times} x ${other}`, ratio >= times);
}

export function atMostTimes(results: Results, times: number, other: Column): Verdict {
  const ratio = (results["pm2-socket.io"] ?? Number.NaN) / (results[other] ?? Number.NaN);
  return verdict(ratio, `${withDigits(ratio, 2)} x`, `at most ${times} x ${other}`, ratio <= times);
}

export function atMostPart(results: Results, part: number, other: Column): Verdict {
  const ratio = (results[other] ?? Number.NaN) / (results["pm2-socket.io"] ?? Number.NaN);
  return verdict(ratio, `1/${withDigits(ratio, 1)}`, `at most 1/${part} of ${other}`, ratio >= part);
}

/** Less than with either of its adapters. */
export function lessThanRedis(results: Results): Verdict {
  const { "redis-adapter": adapter = Number.NaN, "redis-streams-adapter": streams = Number.NaN } = results;
  const ratio = (results["pm2-socket.io"] ?? Number.NaN) / Math.min(adapter, streams);
  return verdict(ratio, `${withDigits(ratio, 2)} x`, "less than with Redis", ratio < 1);
}

export function atMostMore(results: Results, more: number, other: Column): Verdict {
  const difference = (results["pm2-socket.io"] ?? Number.NaN) - (results[other] ?? Number.NaN);
  const seen = `${difference < 0 ? "" : "+"}${withDigits(difference, 1)}`;
  return verdict(difference, seen, `at most +${more}`, difference <= more);
}

export function atMost(results: Results, limit: number, digits: number): Verdict {
  const figure = results["pm2-socket.io"] ?? Number.NaN;
  return verdict(figure, withDigits(figure, digits), `at most ${limit}`, figure <= limit);
}

export function atLeast(results: Results, limit: number, digits: number): Verdict {
  const figure = results["pm2-socket.io"] ?? Number.NaN;
  return verdict(figure, withDigits(figure, digits), `at least ${limit}`, figure >= limit);
}

export function none(results: Results): Verdict {
  const figure = results["pm2-socket.io"] ?? Number.NaN;
  return verdict(figure, withDigits(figure, 0), "none", figure === 0);
}

function verdict(figure: number, seen: string, wanted: string, met: boolean): Verdict {
  if (!Number.isFinite(figure)) return { seen: "-", wanted, judgement: "?" };
  return { seen, wanted, judgement: met ? "met" : "missed" };
}
