import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type BrowserContext, chromium, type Page } from "playwright-core";
import { onTestFinished, type TestContext } from "vitest";
import { needs } from "./needs";

/** Headless, and quiet: it must not reach for anything but the page. */
const FLAGS = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

/** Debian's Chromium with an empty profile of its own. It ends with the test. */
export async function openBrowser(context: TestContext): Promise<BrowserContext> {
  const executablePath = needs(context, "chromium");
  const profile = mkdtempSync(join(tmpdir(), "pm2sio-chromium-"));
  const browser = await chromium.launchPersistentContext(profile, {
    executablePath,
    headless: true,
    args: FLAGS,
  });
  onTestFinished(async () => {
    await browser.close();
    rmSync(profile, { recursive: true, force: true, maxRetries: 5 });
  });
  return browser;
}

/** A tab on the chat of `examples/chat`. */
export class ChatTab {
  private constructor(
    readonly page: Page,
    readonly name: string,
  ) {}

  static async open(browser: BrowserContext, url: string, name: string, transport = ""): Promise<ChatTab> {
    const page = await browser.newPage();
    const tab = new ChatTab(page, name);
    await page.goto(`${url}/?name=${name}${transport && `&transport=${transport}`}`);
    await tab.isConnected();
    return tab;
  }

  /** Waits until the page says that it is connected. */
  async isConnected(): Promise<void> {
    await this.page.locator("#state", { hasText: /^connected$/ }).waitFor();
  }

  /** The pid of the worker the page says it is on. */
  async workerPid(): Promise<number> {
    const worker = this.page.locator("#worker", { hasText: /pid \d+/ });
    return Number(/pid (\d+)/.exec((await worker.textContent()) ?? "")![1]);
  }

  /** Waits until the page shows that it is on another worker than the one given. */
  async leaves(pid: number): Promise<void> {
    await this.page.locator("#worker", { hasNotText: `pid ${pid})` }).waitFor();
    await this.isConnected();
  }

  async usesTransport(name: string): Promise<void> {
    await this.page.locator("#transport", { hasText: new RegExp(`^${name}$`) }).waitFor();
  }

  async say(text: string): Promise<void> {
    await this.page.locator("#text").fill(text);
    await this.page.locator("#text").press("Enter");
  }

  /** Waits until the page shows the message. */
  async hears(text: string): Promise<void> {
    await this.page.locator(".message p", { hasText: text }).waitFor();
  }

  /** All messages that the page shows. */
  heard(): Promise<string[]> {
    return this.page.locator(".message p").allInnerTexts();
  }
}
