import { contest } from "../contest";
import type { Row } from "../table";

export async function reload(): Promise<Row[]> {
  const results = await contest("reload", (serving) => serving.reload!(), [
    "pm2-socket.io",
    "@socket.io/pm2",
  ]);
  return [{ title: "pm2 reload, ms", figures: results, digits: 0 }];
}
