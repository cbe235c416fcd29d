import { cpSync } from "node:fs";
import { join } from "node:path";
import type { BrowserContext, Page } from "playwright-core";
import { expect } from "vitest";
import { Daemon, freePort } from "./daemon";
import { folderWith } from "./users-folder";

/** `examples/tutorial-chat` as a user has it: copied, with its packages beside it, and started. */
export class TutorialChat {
  private constructor(
    readonly daemon: Daemon,
    readonly port: number,
    private readonly ecosystem: string,
  ) {}

  static async start(): Promise<TutorialChat> {
    const port = await freePort();
    const daemon = new Daemon({ PORT: String(port) });
    const folder = folderWith("express@5", "socket.io@4.8", "libsql@0.5");
    const example = join(daemon.installed, "node_modules/pm2-socket.io/examples/tutorial-chat");
    cpSync(example, folder, { recursive: true });
    const chat = new TutorialChat(daemon, port, join(folder, "ecosystem.config.js"));
    await chat.start();
    return chat;
  }

  async start(): Promise<void> {
    const started = await this.daemon.pm2("start", this.ecosystem);
    expect(started, started.stderr).toMatchObject({ code: 0 });
    await this.daemon.ready(3);
  }
}

/** A tab on the tutorial's chat. */
export class TutorialTab {
  private constructor(readonly page: Page) {}

  /** @param webSocket whether the tab's network lets WebSockets through */
  static async open(browser: BrowserContext, port: number, { webSocket = true } = {}): Promise<TutorialTab> {
    const page = await browser.newPage();
    if (!webSocket) await page.addInitScript("delete globalThis.WebSocket");
    await page.goto(`http://127.0.0.1:${port}/`);
    const tab = new TutorialTab(page);
    await tab.is("connected");
    await page.evaluate(`
      globalThis.arrived = [];
      socket.on("said", (id, text) => arrived.push(text));
    `);
    return tab;
  }

  /** Waits until the page says so of its connection. */
  async is(state: "connected" | "recovered" | "reconnecting"): Promise<void> {
    await this.page.locator("#state", { hasText: new RegExp(`^${state}$`) }).waitFor();
  }

  async usesTransport(name: string): Promise<void> {
    await expect.poll(() => this.page.evaluate("socket.io.engine.transport.name")).toBe(name);
  }

  async say(text: string): Promise<void> {
    await this.page.locator("#text").fill(text);
    await this.page.locator("#text").press("Enter");
  }

  /** Waits until the page shows the message. */
  async shows(text: string): Promise<void> {
    await this.page.locator("#messages li").getByText(text, { exact: true }).waitFor();
  }

  /** All messages that the page shows. */
  shown(): Promise<string[]> {
    return this.page.locator("#messages li").allInnerTexts();
  }

  /** All messages that came since the tab was opened, whatever the page made of them. */
  arrived(): Promise<string[]> {
    return this.page.evaluate("arrived");
  }
}
