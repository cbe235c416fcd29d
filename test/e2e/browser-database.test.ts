import { expect, test } from "vitest";
import { openBrowser } from "../helpers/browser";
import { TutorialChat, TutorialTab } from "../helpers/tutorial-chat";
import { Wire } from "../helpers/wire";

test("a tab that was away while everything was restarted finds every message once, from the database", async (context) => {
  const browser = await openBrowser(context);
  const chat = await TutorialChat.start();
  const wire = await Wire.to(chat.port);
  const ada = await TutorialTab.open(browser, wire.port);
  const bob = await TutorialTab.open(browser, chat.port);
  await ada.say("before");
  await Promise.all([ada.shows("before"), bob.shows("before")]);

  wire.cut("noticed");
  await ada.is("reconnecting");
  await ada.say("said without a network");
  await bob.say("before the restart");
  await bob.shows("before the restart");
  expect((await chat.daemon.pm2("kill")).code).toBe(0);
  await bob.is("reconnecting");
  await bob.say("said without a server");
  await chat.start();
  await bob.shows("said without a server");

  wire.restore();
  await Promise.all([ada.is("connected"), ada.shows("said without a network")]);
  await bob.shows("said without a network");
  const cleo = await TutorialTab.open(browser, chat.port);
  await cleo.shows("said without a network");
  for (const tab of [ada, bob, cleo]) {
    expect(await tab.shown()).toEqual([
      "before",
      "before the restart",
      "said without a server",
      "said without a network",
    ]);
  }
}, 120_000);
