import { createClock } from "../../src/clock";

/** A clock for what is tested alone; what a timer throws is thrown where the test sees it. */
export const clock = createClock({
  info() {},
  error(line) {
    throw new Error(line);
  },
});
