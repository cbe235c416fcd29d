/** Packets that are relayed, by the number of their bytes. */
export const SIZES = [64, 1024, 16 * 1024, 1024 * 1024] as const;
export type Size = (typeof SIZES)[number];

export const NAMES: Record<Size, string> = {
  64: "64 B",
  1024: "1 KiB",
  16384: "16 KiB",
  1048576: "1 MiB",
};
