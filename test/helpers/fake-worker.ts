import type { Worker } from "node:cluster";
import { EventEmitter } from "node:events";
import { onTestFinished } from "vitest";
import { appOptions } from "../../src/config";
import { App } from "../../src/primary/app";
import { Addresses } from "../../src/primary/connections/addresses";
import type { WorkerHandle } from "../../src/primary/workers/worker-handle";
import { decodeFrame, encodeFrame } from "../../src/protocol/codec";
import { seal, unseal } from "../../src/protocol/ipc";
import { LINK_VERSION, type Message } from "../../src/protocol/messages";
import { clock } from "./clock";

/** The primary's side of an app whose workers are played by the test. */
export function fakeApp() {
  const lines: string[] = [];
  const log = { info: (line: string) => lines.push(line), error: (line: string) => lines.push(line) };
  const { listenOn: _, ...options } = appOptions({});
  return { app: new App("app", options, log, new Addresses(clock)), lines };
}

/** A worker process with one Socket.IO server that speaks over IPC: what it is told and whether it was killed. */
export class FakeWorker extends EventEmitter {
  readonly heard: Message[] = [];
  killed = false;
  readonly process = {
    pid: 1,
    kill: () => {
      this.killed = true;
    },
  };
  readonly handle: WorkerHandle;

  /** @param version of the link that it speaks */
  constructor(
    readonly app: App,
    version = LINK_VERSION,
  ) {
    super();
    this.handle = app.attach(this as unknown as Worker);
    // With it goes the folder that was made for its servers.
    onTestFinished(() => this.handle.left());
    this.say({ type: "hello", version });
    // One that is not welcome says nothing more.
    if (version !== LINK_VERSION) return;
    this.say({ type: "serve", server: 0, main: true });
    this.say({ type: "attached", server: 0, path: "/socket.io", main: true });
    this.say({ type: "scope-open", scope: 0, path: "/socket.io" });
  }

  isConnected(): boolean {
    return !this.killed;
  }

  send(message: object, callback: () => void): void {
    const { f } = unseal(message) as { f: string };
    this.heard.push(decodeFrame(Buffer.from(f, "base64")));
    callback();
  }

  /** Says a message, or anything else in its place. */
  say(message: Message): void {
    this.sayBytes(encodeFrame(message));
  }

  sayBytes(frame: Buffer): void {
    this.handle.handleIpc(seal({ f: frame.toString("base64") }), undefined);
  }

  /** Of what it was told, the messages of one type. */
  told<T extends Message["type"]>(type: T): Extract<Message, { type: T }>[] {
    return this.heard.filter((message) => message.type === type) as Extract<Message, { type: T }>[];
  }
}
