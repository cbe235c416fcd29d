import { contest } from "../contest";
import { measure } from "../measure";
import { cpuMicros } from "../proc";
import { figures } from "../results";
import type { Row } from "../table";
import { atLeastTimes, none } from "../wanted";

export async function handshakes(seconds: number): Promise<Row[]> {
  const results = await contest("handshakes", ({ port, primaryPid }) =>
    measure("handshakes", { port, seconds }, () => cpuMicros(primaryPid)),
  );
  const rate = figures(results, ({ perSecond }) => perSecond);
  const failed = figures(results, ({ failed }) => failed);
  const cpu = figures(results, ({ gainEach }) => gainEach);
  return [
    {
      title: "WebSocket handshakes/s",
      figures: rate,
      digits: 0,
      verdict: atLeastTimes(rate, 3, "@socket.io/pm2"),
    },
    { title: "  failed handshakes", figures: failed, digits: 0, verdict: none(failed) },
    { title: "  primary's CPU per handshake, us", figures: cpu, digits: 0 },
  ];
}
