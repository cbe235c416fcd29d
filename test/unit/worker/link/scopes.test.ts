import { beforeEach, expect, onTestFinished, test, vi } from "vitest";
import type { ToPrimary } from "../../../../src/protocol/messages";
import { keyOfRoom } from "../../../../src/protocol/room-key";
import { Questions } from "../../../../src/worker/link/questions";
import { type Receiver, Scopes } from "../../../../src/worker/link/scopes";
import type { SocketIoServer } from "../../../../src/worker/socket-io/objects";
import { clock } from "../../../helpers/clock";

let sent: ToPrimary[];
let scopes: Scopes;
let link: { isDown: boolean };
const TERMS = { recoverableMs: undefined, pongMs: 1 };
const turn = () => new Promise((resolve) => setImmediate(resolve));

beforeEach(async () => {
  // What a former test has left to be said is said.
  await turn();
  sent = [];
  const send = (message: ToPrimary) => {
    sent.push(message);
    return true;
  };
  link = Object.assign({ clock, send, sendNow: send }, { isDown: false });
  scopes = new Scopes(link as never, new Questions(clock, send));
});

const serverAt = (path: string, engine = {}) => ({ path: () => path, engine }) as unknown as SocketIoServer;

/** An adapter; `heard` is what the link tells it. */
function adapter(uid: string, nsp = "/") {
  const heard: unknown[] = [];
  const note =
    (what: string) =>
    (...args: unknown[]) =>
      void heard.push([what, ...args]);
  const receiver: Receiver = {
    ...{ uid, nsp, onCast: note("cast"), onPublish: note("publish"), onRespond: note("respond") },
    ...{ onPeers: note("peers"), onSurrender: note("surrender"), onLateSession: note("late") },
    ...{ onAdded: () => {}, onAlone: note("alone") },
  };
  return { receiver, heard };
}

const interest = { type: "interest" as const, nsp: "/", joined: [], left: [] };
const ofType = (type: string) => sent.filter((message) => message.type === type);

test("a server is introduced a turn after its first adapter was made, with what is true by then", async () => {
  let path = "/early";
  const server = { path: () => path } as unknown as SocketIoServer;
  const scope = scopes.of(server);
  scope.add(adapter("u1").receiver, TERMS);
  scope.add(adapter("u2", "/chat").receiver, { ...TERMS, recoverableMs: 5 });
  path = "/late";
  scopes.setAddress(server, "port 80");
  expect(sent).toEqual([]);
  await turn();
  expect(sent).toEqual([
    { type: "scope-open", scope: 0, path: "/late", address: "port 80" },
    { type: "adapter-open", scope: 0, nsp: "/", uid: "u1", recoverableMs: undefined, pongMs: 1 },
    { type: "adapter-open", scope: 0, nsp: "/chat", uid: "u2", recoverableMs: 5, pongMs: 1 },
  ]);
  scope.add(adapter("u3", "/more").receiver, TERMS);
  expect(sent.at(-1)).toMatchObject({ type: "adapter-open", uid: "u3" });
  scopes.setAddress(server, "port 80");
  scopes.setAddress(server, "port 81");
  expect(ofType("scope-address")).toEqual([{ type: "scope-address", scope: 0, address: "port 81" }]);
});

test("or before the first message about it, and after those that were made before it", async () => {
  const [first, second] = [scopes.of(serverAt("/1")), scopes.of(serverAt("/2"))];
  first.add(adapter("u1").receiver, TERMS);
  second.add(adapter("u2").receiver, TERMS);
  expect(second.send(interest)).toBe(true);
  expect(sent.map((message) => [message.type, "scope" in message && message.scope])).toEqual([
    ["scope-open", 0],
    ["adapter-open", 0],
    ["scope-open", 1],
    ["adapter-open", 1],
    ["interest", 1],
  ]);
  await turn();
  expect(ofType("scope-open")).toHaveLength(2);
});

test("or when all are", () => {
  for (const path of ["/1", "/2"]) scopes.of(serverAt(path)).add(adapter(path).receiver, TERMS);
  scopes.introduceAll();
  expect(ofType("scope-open")).toMatchObject([{ path: "/1" }, { path: "/2" }]);
});

test("what comes is for one adapter: of its scope and namespace, or of its name", async () => {
  const [chat, other] = [scopes.of(serverAt("/a")), scopes.of(serverAt("/b"))];
  const [one, two, three] = [adapter("u1"), adapter("u2", "/chat"), adapter("u3")];
  chat.add(one.receiver, TERMS);
  chat.add(two.receiver, TERMS);
  other.add(three.receiver, TERMS);
  await turn();
  scopes.take({ type: "scope", scope: 0, global: 7 });
  scopes.take({ type: "scope", scope: 1, global: 5 });
  const publish = { type: "publish" as const, scope: 7, nsp: "/chat", payload: Buffer.from("x") };
  const target = { nsp: "/", rooms: [], except: [] };
  const cast = { type: "cast" as const, scope: 5, volatile: false, target, payload: Buffer.from("x") };
  expect(scopes.take(publish)).toBe(true);
  expect(scopes.take(cast)).toBe(true);
  scopes.take({ ...cast, scope: 8 });
  scopes.take({ ...publish, nsp: "/none" });
  scopes.take({ type: "respond", uid: "u1", payload: Buffer.from("y") });
  scopes.take({ type: "respond", uid: "none", payload: Buffer.from("y") });
  scopes.take({ type: "surrender", scope: 7, nsp: "/", sid: "s" });
  scopes.take({ type: "adapters", changes: [{ uid: "u3", came: ["p"], went: ["q"] }] });
  expect(scopes.take({ type: "moved", sid: "s" })).toBe(false);
  expect(one.heard).toEqual([
    ["respond", Buffer.from("y")],
    ["surrender", "s"],
  ]);
  expect(two.heard).toEqual([["publish", publish]]);
  expect(three.heard).toEqual([
    ["cast", cast],
    ["peers", ["p"], ["q"]],
  ]);
});

test("a question to join rooms that reaches no namespace is settled all the same", async () => {
  const scope = scopes.of(serverAt("/a"));
  scope.add(adapter("u1").receiver, TERMS);
  await turn();
  scopes.take({ type: "scope", scope: 0, global: 3 });
  const joins = [keyOfRoom("room")!];
  scopes.take({ type: "publish", scope: 3, nsp: "/gone", joins, payload: Buffer.from("x") });
  expect(sent.at(-1)).toEqual({ type: "settled", scope: 0, nsp: "/gone", rooms: joins });
});

test("a server is closed with its last adapter; one that is used again is another one", async () => {
  const server = serverAt("/a");
  const scope = scopes.of(server);
  const [root, child, next] = [adapter("u1"), adapter("u2", "/child"), adapter("u3")];
  scope.add(root.receiver, TERMS);
  scope.add(child.receiver, TERMS);
  await turn();
  scopes.take({ type: "scope", scope: 0, global: 3 });
  expect(scopes.isOf(server, 3)).toBe(true);
  scope.remove(child.receiver);
  scope.remove(child.receiver);
  expect(ofType("scope-close")).toEqual([]);
  // An adapter that is replaced: the new one is there first.
  scope.add(next.receiver, TERMS);
  scope.remove(root.receiver);
  expect(ofType("scope-close")).toEqual([]);
  scope.remove(next.receiver);
  expect(sent.slice(-2)).toEqual([
    { type: "adapter-close", uid: "u3" },
    { type: "scope-close", scope: 0 },
  ]);
  expect(ofType("adapter-close")).toHaveLength(3);
  expect(next.heard).toEqual([["alone"]]);
  expect(scope.send(interest)).toBe(false);
  expect(
    await scope.ask({ type: "publish", nsp: "/", payload: Buffer.from("x") }, 1000, (answer) => answer),
  ).toBe(undefined);
  expect(scopes.isOf(server, 3)).toBe(false);
  scopes.take({ type: "scope", scope: 0, global: 3 });
  expect(scopes.isOf(server, 3)).toBe(false);
  expect(scopes.numberOf(server)).toBe(undefined);

  const again = adapter("u4");
  scope.use(again.receiver, TERMS);
  scope.use(root.receiver, TERMS);
  await turn();
  expect(sent.slice(-2)).toEqual([
    { type: "scope-open", scope: 1, path: "/a", address: undefined },
    { type: "adapter-open", scope: 1, nsp: "/", uid: "u4", recoverableMs: undefined, pongMs: 1 },
  ]);
  expect(scopes.numberOf(server)).toBe(1);
});

test("a server that was closed before anybody heard of it is not spoken of", async () => {
  const scope = scopes.of(serverAt("/a"));
  const { receiver } = adapter("u1");
  scope.add(receiver, TERMS);
  scope.remove(receiver);
  await turn();
  expect(sent).toEqual([]);
  const later = scopes.of(serverAt("/b"));
  later.add(adapter("u2").receiver, TERMS);
  await turn();
  expect(sent[0]).toMatchObject({ type: "scope-open", scope: 0, path: "/b" });
});

test("sessions may be restored elsewhere if their own server's are; of an unknown engine, if any server's are", () => {
  const [recovering, plain] = [{}, {}] as never[];
  scopes.of(serverAt("/a", recovering)).add(adapter("u1").receiver, { ...TERMS, recoverableMs: 5 });
  scopes.of(serverAt("/b", plain)).add(adapter("u2").receiver, TERMS);
  expect(scopes.mayRecover(recovering)).toBe(true);
  expect(scopes.mayRecover(plain)).toBe(false);
  expect(scopes.mayRecover(undefined)).toBe(true);
});

test("when the link has ended, adapters are alone, also those that are made later", async () => {
  const scope = scopes.of(serverAt("/a"));
  const [early, late] = [adapter("u1"), adapter("u2", "/late")];
  scope.add(early.receiver, TERMS);
  link.isDown = true;
  scopes.giveUp();
  expect(early.heard).toContainEqual(["alone"]);
  scope.add(late.receiver, TERMS);
  expect(late.heard).toEqual([["alone"]]);
});

test("servers beyond a thousand at a time are alone, and one line says so", async () => {
  const lines = vi.spyOn(console, "error").mockImplementation(() => {});
  onTestFinished(() => lines.mockRestore());
  const made = Array.from({ length: 1002 }, (_, i) => {
    const scope = scopes.of(serverAt(`/${i}`));
    const { receiver, heard } = adapter(`u${i}`);
    scope.add(receiver, TERMS);
    return { scope, receiver, heard };
  });
  await turn();
  expect(ofType("scope-open")).toHaveLength(1000);
  expect(lines).toHaveBeenCalledTimes(1);
  const [last] = made.slice(-1);
  expect(last!.heard).toEqual([["alone"]]);
  expect(last!.scope.send(interest)).toBe(false);
  last!.scope.remove(last!.receiver);
  made[0]!.scope.remove(made[0]!.receiver);
  expect(sent.slice(-2)).toEqual([
    { type: "adapter-close", uid: "u0" },
    { type: "scope-close", scope: 0 },
  ]);
  scopes.of(serverAt("/more")).add(adapter("more").receiver, TERMS);
  await turn();
  expect(ofType("scope-open")).toHaveLength(1001);
});
