import { expect, test } from "vitest";
import { openBrowser } from "../helpers/browser";
import { TutorialChat, TutorialTab } from "../helpers/tutorial-chat";
import { Wire } from "../helpers/wire";

for (const byServer of ["noticed", "unnoticed"] as const) {
  test(`tabs whose network is cut, ${byServer} by the server, find every message once, in order`, async (context) => {
    const browser = await openBrowser(context);
    const chat = await TutorialChat.start();
    const wire = await Wire.to(chat.port);
    const ada = await TutorialTab.open(browser, wire.port);
    const bob = await TutorialTab.open(browser, wire.port, { webSocket: false });
    const cleo = await TutorialTab.open(browser, chat.port);
    const dora = await TutorialTab.open(browser, chat.port);
    const tabs = [ada, bob, cleo, dora];
    await ada.usesTransport("websocket");
    await bob.usesTransport("polling");

    for (const [i, tab] of tabs.entries()) await tab.say(`before ${i}`);
    for (const tab of tabs) for (const i of tabs.keys()) await tab.shows(`before ${i}`);

    // Said twice by the page, since it never hears that it is stored.
    wire.loseAnswers();
    await ada.say("answer lost");
    await cleo.shows("answer lost");
    wire.cut(byServer);
    await Promise.all([ada.is("reconnecting"), bob.is("reconnecting")]);
    await ada.say("said without a network");
    for (let i = 0; i < 10; i++) await Promise.all([cleo.say(`cleo ${i}`), dora.say(`dora ${i}`)]);
    for (const tab of [cleo, dora]) await Promise.all([tab.shows("cleo 9"), tab.shows("dora 9")]);

    wire.restore();
    await Promise.all([ada.is("recovered"), bob.is("recovered")]);
    for (const tab of tabs) await tab.shows("said without a network");
    await dora.say("after");
    for (const tab of tabs) await tab.shows("after");

    const shown = await dora.shown();
    expect(shown.slice(4, 5)).toEqual(["answer lost"]);
    expect(shown.slice(-2)).toEqual(["said without a network", "after"]);
    for (const name of ["cleo", "dora"]) {
      const said = [...Array(10).keys()].map((i) => `${name} ${i}`);
      expect(shown.filter((text) => text.startsWith(name))).toEqual(said);
    }
    expect(shown).toHaveLength(4 + 1 + 20 + 2);
    const arrived = await dora.arrived();
    expect(arrived.filter((text) => text === "answer lost")).toHaveLength(2);
    expect(arrived).toHaveLength(shown.length + 1);
    for (const tab of tabs) {
      expect(await tab.shown()).toEqual(shown);
      expect(await tab.arrived()).toEqual(arrived);
    }
  }, 120_000);
}
