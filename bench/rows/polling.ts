import { contest } from "../contest";
import { measure } from "../measure";
import { cpuMicros } from "../proc";
import { figures } from "../results";
import type { Row } from "../table";
import { atLeastTimes, atMost, none } from "../wanted";

export async function polling(seconds: number): Promise<Row[]> {
  const results = await contest("polling", ({ port, primaryPid }) =>
    measure("polling", { port, seconds }, () => cpuMicros(primaryPid)),
  );
  const rate = figures(results, ({ perSecond }) => perSecond);
  const failed = figures(results, ({ failed }) => failed);
  const cpu = figures(results, ({ gainEach }) => gainEach);
  return [
    {
      title: "long-polling requests/s",
      figures: rate,
      digits: 0,
      verdict: atLeastTimes(rate, 8, "@socket.io/pm2"),
    },
    { title: "  failed requests", figures: failed, digits: 0, verdict: none(failed) },
    { title: "  primary's CPU per request, us", figures: cpu, digits: 1, verdict: atMost(cpu, 5, 1) },
  ];
}
