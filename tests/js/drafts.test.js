import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";
import { server, settled } from "./page.js";

const { openDraft } = await import("../../static/js/drafts.js");

let number = 0;
let draft;

beforeEach(() => {
  server.requests.length = 0;
  server.answer = () => ({});
  draft = openDraft({ conversation: `c${number++}`, url: "/draft", saved: "from the server", limit: 20 });
});

const saved = () => server.requests.map(({ fields }) => fields.text);

test("a draft is the server's text until something is typed", () => {
  assert.equal(draft.text, "from the server");
  draft.keep("typed");
  assert.equal(draft.text, "typed");
});

test("saving sends what was typed, once", async () => {
  draft.keep("typed");
  draft.save();
  draft.save();
  await settled();

  assert.deepEqual(saved(), ["typed"]);
});

test("a save that failed is repeated by the next one", async () => {
  server.answer = () => ({ status: 503 });
  draft.keep("typed");
  draft.save();
  await settled();
  server.answer = () => ({});
  draft.save();
  await settled();

  assert.deepEqual(saved(), ["typed", "typed"]);
  assert.equal(draft.text, "typed");
});

test("a text above the limit stays in the tab", async () => {
  draft.keep("x".repeat(21));
  draft.save();
  await settled();

  assert.deepEqual(saved(), []);
  assert.equal(draft.text, "x".repeat(21));
});

test("the echo of a save is not shown again, another device's text is", async () => {
  draft.keep("typed");
  draft.save();
  await settled();

  assert.equal(draft.receive("typed"), false);
  assert.equal(draft.receive("from the phone"), true);
  assert.equal(draft.text, "from the phone");
});

test("another device's text does not replace what is being typed", () => {
  draft.keep("typed");

  assert.equal(draft.receive("from the phone"), false);
  assert.equal(draft.text, "typed");
});

test("a page that was requested before the last save does not bring back an older text", async () => {
  const conversation = `c${number}`;
  const open = (saved) => openDraft({ conversation, url: "/draft", saved, limit: 20 });
  const typed = open("");
  typed.keep("typed");
  typed.save();
  await settled();
  assert.equal(open("older").text, "typed");

  const pane = Object.assign(document.createElement("main"), { id: "pane" });
  document.dispatchEvent(new CustomEvent("htmx:beforeRequest", { detail: { target: pane } }));
  assert.equal(open("from the phone").text, "from the phone");
});
