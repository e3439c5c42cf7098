import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";
import { element, server, settled } from "./page.js";

const { HistorySync } = await import("../../static/js/history-sync.js");
const GAP_MS = 450;

let history, sync;

beforeEach(() => {
  history = element('<div data-conversation="c" data-version="1" data-changes="/changes"></div>');
  history.put = (article) => history.append(article);
  history.reload = () => (history.dataset.reloaded = "yes");
  document.body.append(history);
  server.requests.length = 0;
  sync = new HistorySync(history);
});

function message(version) {
  return element(`<article data-conversation="c" data-version="${version}"></article>`);
}

function changes(versions, attributes = "") {
  const articles = versions.map((version) => message(version).outerHTML).join("");
  return { text: `<div data-version="${versions.at(-1) ?? 9}" ${attributes}>${articles}</div>` };
}

test("consecutive versions need no request", async () => {
  for (const version of [2, 3, 4]) sync.messageArrived(message(version));
  await new Promise((resolve) => setTimeout(resolve, GAP_MS));

  assert.equal(history.dataset.version, "4");
  assert.deepEqual(server.requests, []);
});

test("versions that arrive in the wrong order close their gap themselves", async () => {
  for (const version of [4, 3, 2]) sync.messageArrived(message(version));
  await new Promise((resolve) => setTimeout(resolve, GAP_MS));

  assert.equal(history.dataset.version, "4");
  assert.deepEqual(server.requests, []);
});

test("a gap that stays is closed by fetching the changes", async () => {
  server.answer = () => changes([2, 3]);

  sync.messageArrived(message(3));
  assert.equal(history.dataset.version, "1");
  await new Promise((resolve) => setTimeout(resolve, GAP_MS + 50));

  assert.deepEqual(server.requests.map(({ url }) => url), ["/changes?since=1"]);
  assert.equal(history.dataset.version, "3");
  assert.equal(history.children.length, 2);
});

test("changes are fetched until the server has no more", async () => {
  const pages = [changes([2, 3], "data-more"), changes([4])];
  server.answer = () => pages.shift();

  sync.catchUp();
  await settled();

  assert.deepEqual(server.requests.map(({ url }) => url), ["/changes?since=1", "/changes?since=3"]);
  assert.equal(history.dataset.version, "4");
});

test("a history that is too far behind is loaded again", async () => {
  server.answer = () => changes([], "data-reset");

  sync.catchUp();
  await settled();

  assert.equal(history.dataset.reloaded, "yes");
});

test("a version announced before the history was on the page is fetched", async () => {
  document.dispatchEvent(new CustomEvent("live-message", { detail: message(2) }));
  server.answer = () => changes([2]);

  sync.check();
  await settled();

  assert.equal(history.dataset.version, "2");
});
