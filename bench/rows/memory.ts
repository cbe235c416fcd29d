import { contest } from "../contest";
import { measure } from "../measure";
import { rssBytes } from "../proc";
import { figures } from "../results";
import type { Row } from "../table";

const SESSIONS = 2000;

export async function memory(): Promise<Row[]> {
  const results = await contest("memory", ({ port, primaryPid }) =>
    measure("sessions", { port, sessions: SESSIONS }, () => rssBytes(primaryPid)),
  );
  return [
    {
      title: "primary's memory per idle session, KiB",
      figures: figures(results, ({ gainEach }) => gainEach / 1024),
      digits: 2,
    },
  ];
}
