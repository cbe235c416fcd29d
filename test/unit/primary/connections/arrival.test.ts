import { beforeEach, expect, test } from "vitest";
import { type Arrival, type ArrivalLimits, Arrivals } from "../../../../src/primary/connections/arrival";
import { clock } from "../../../helpers/clock";
import { everything, socketPair } from "../../../helpers/sockets";

const LIMITS: ArrivalLimits = { headTimeoutMs: 5000, maxHeadSize: 100, maxPending: 10 };

let faults: string[];
let arrived: Arrival[];
let onArrived: () => void;

beforeEach(() => {
  faults = [];
  arrived = [];
  onArrived = () => {};
});

function arrivals(limits: Partial<ArrivalLimits> = {}): Arrivals<string> {
  const log = { info: () => {}, error: (line: string) => faults.push(line) };
  return new Arrivals({ ...LIMITS, ...limits }, log, clock, (arrival) => {
    arrived.push(arrival);
    onArrived();
  });
}

const nextArrival = () =>
  new Promise<void>((resolve) => {
    onArrived = resolve;
  });

async function pending(on: Arrivals<string>) {
  const pair = await socketPair();
  on.add(pair.accepted, "place");
  return pair;
}

test("a connection arrives with its session id and every byte that was read", async () => {
  const { client } = await pending(arrivals());
  const head = "POST /?sid=abc HTTP/1.1\r\nHost: x\r\n\r\nbody";
  const arrival = nextArrival();
  client.write(head);
  await arrival;
  expect(arrived).toMatchObject([{ sessionId: "abc", attempts: 0 }]);
  expect(arrived[0]!.head.toString()).toBe(head);
  expect(faults).toEqual([]);
});

test("a request line may come in pieces", async () => {
  const { client, accepted } = await pending(arrivals());
  client.write("GET / HT");
  await new Promise((resolve) => accepted.once("data", resolve));
  const arrival = nextArrival();
  client.write("TP/1.1\r\n");
  await arrival;
  expect(arrived[0]!.head.toString()).toBe("GET / HTTP/1.1\r\n");
});

test.each([
  ["is not HTTP", "\x16\x03\x01 hello", 400],
  ["has no end within the limit", `GET /${"a".repeat(200)}`, 431],
  ["is longer than the limit behind a blank line", `\r\n\r\nGET /${"a".repeat(200)} HTTP/1.1\r\n`, 431],
  ["is longer than the limit, end and all", `GET /${"a".repeat(200)} HTTP/1.1\r\n`, 431],
])("a head that %s is refused", async (_, head, status) => {
  const on = arrivals();
  const { client } = await pending(on);
  client.write(head);
  expect(await everything(client)).toMatch(new RegExp(`^HTTP/1.1 ${status} .*\r\n(.*\r\n)*\r\n$`));
  expect(on.size).toBe(0);
  expect(arrived).toEqual([]);
});

test("long headers after a short request line are the worker's business", async () => {
  const { client } = await pending(arrivals());
  const arrival = nextArrival();
  client.write(`GET / HTTP/1.1\r\nCookie: ${"a".repeat(1000)}\r\n\r\n`);
  await arrival;
});

test("a head that does not come in time is refused", async () => {
  const on = arrivals({ headTimeoutMs: 20 });
  const { client } = await pending(on);
  client.write("GET /");
  expect(await everything(client)).toMatch(/^HTTP\/1.1 408 /);
  expect(on.size).toBe(0);
});

test("a connection that a worker gave back idle is closed in silence when nothing more comes", async () => {
  const { client, accepted } = await socketPair();
  arrivals({ headTimeoutMs: 20 }).takeBack(accepted, "place", Buffer.alloc(0));
  expect(await everything(client)).toBe("");
});

test("a connection that a worker gave back with bytes arrives with them", async () => {
  const { accepted } = await socketPair();
  arrivals().takeBack(accepted, "place", Buffer.from("GET /?sid=x HTTP/1.1\r\n\r\n"));
  expect(arrived).toMatchObject([{ sessionId: "x" }]);
});

test("of too many connections without a head the oldest is closed", async () => {
  const on = arrivals({ maxPending: 2 });
  const oldest = await pending(on);
  const closed = everything(oldest.client);
  await pending(on);
  const youngest = await pending(on);
  expect(await closed).toBe("");
  expect(on.size).toBe(2);
  const arrival = nextArrival();
  youngest.client.write("GET / HTTP/1.1\r\n");
  await arrival;
});

test.each(["end", "destroy"] as const)(
  "a client that leaves without a head (%s) is forgotten",
  async (leave) => {
    const on = arrivals();
    const { client, accepted } = await pending(on);
    const closed = new Promise((resolve) => accepted.once("close", resolve));
    client.write("GET");
    client[leave]();
    await closed;
    expect(on.size).toBe(0);
  },
);

test("closing ends the connections that have no head", async () => {
  const on = arrivals();
  const { client } = await pending(on);
  on.close();
  expect(await everything(client)).toBe("");
});
