// What the Share sheet asks of the server to have a page published (ui/server/publish_route.py).

import { routeUrl } from "./server_routes.js";

/** The id of the page that is being made. what: {models, form: "zip" | "html", title, text, link, author} */
export async function startPublishing(what, signal) {
  return (await asked(routeUrl("publish", {}), { method: "POST", body: JSON.stringify(what), signal })).job;
}

/** {state: "running" | "done" | "failed", share (0 to 1), message, url (of the file)} */
export async function publishingState(job, signal) {
  return { ...(await asked(routeUrl("publish", { job }), { signal })), url: routeUrl("publish/file", { job }) };
}

async function asked(url, options) {
  let response;
  try {
    response = await fetch(url, options);
  } catch {
    throw new Error("The server does not answer. It may be restarting; try again in a moment.");
  }
  if (!response.ok) throw new Error((await response.text()) || `The server answered ${response.status}.`);
  return response.json();
}
