// A published page: the explorer with its answers computed in the visitor's browser, and what its author says around it.

import { BrowserAnswers } from "../explorer/answers/browser_answers.js";
import { StaticData } from "../explorer/answers/static_data.js";
import { h } from "../explorer/elements.js";
import { Explorer } from "../explorer/explorer.js";
import { About } from "./about.js";
import { Heading } from "./heading.js";
import { OwnImage } from "./own_image/own_image.js";
import { bytesOf, jsonOf, readAhead } from "./page_files.js";
import { PageHost } from "./page_host.js";
import { runtimeOf } from "./runtime.js";
import { Theme } from "./theme.js";

async function start() {
  const theme = new Theme();
  const page = await jsonOf("page.json");
  document.title = page.title || page.models.join(", ");
  const data = new StaticData(page, bytesOf);
  const root = h("div.lw-root");
  const runtime = runtimeOf(page.runtime, data);
  const answers = new BrowserAnswers(data, runtime);
  const explorer = new Explorer(root, answers);
  const host = new PageHost(explorer, data);
  const own = new OwnImage(explorer, answers, data);
  const heading = new Heading(page, { open: (name) => host.open(name), own: () => own.show(), theme: () => theme.turn() });
  const about = new About(page);
  root.append(own.element);
  document.body.append(h("main.lp-page", {}, heading.element, root, about.element));
  heading.measure();
  theme.onChange(() => host.again());
  host.onOpen((name, model) => {
    heading.opened(name, model);
    about.opened(name, model);
  });
  await host.arrive(window.location.href, (sentence) => heading.say(sentence));
  const all = () => (document.documentElement.dataset.read = "all");
  runtime.then(() => readAhead(data)).then(all, () => {}); // what could not be read is asked for again when it is wanted
}

start().catch((error) => {
  const words = `This page could not be opened: ${error.message}. Reload it; if that does not help, some of its files are missing.`;
  document.body.append(h("p.lp-failed", { role: "alert" }, words));
});
