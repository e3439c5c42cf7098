import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";
import { server, settled } from "./page.js";

const { discardAll, discardMessage, enqueue, hasUnsent, pendingIn, retryMessage } = await import("../../static/js/outbox.js");

const failures = [];
document.addEventListener("outbox-failed", ({ detail }) => failures.push(detail));

beforeEach(() => {
  discardAll();
  localStorage.clear();
  server.requests.length = 0;
  failures.length = 0;
  server.answer = () => ({});
});

function write(body) {
  enqueue({ url: "/messages", conversation: "c", body });
}

test("messages are sent in order, one after the other", async () => {
  for (const body of ["one", "two", "three"]) write(body);
  await settled();

  assert.deepEqual(server.requests.map(({ fields }) => fields.body), ["one", "two", "three"]);
  assert.equal(hasUnsent(), false);
  assert.deepEqual(pendingIn("c"), []);
});

test("an unconfirmed message is stored for its conversation", async () => {
  server.answer = () => ({ status: 503 });
  write("hello");

  assert.deepEqual(pendingIn("c").map(({ body }) => body), ["hello"]);
  assert.deepEqual(pendingIn("other"), []);
});

test("a refused message stays, with its error, until it is retried", async () => {
  server.answer = () => ({ status: 400, text: '<p data-detail="">Too long</p>' });
  write("hello");
  await settled();
  const [entry] = pendingIn("c");

  assert.equal(entry.error, "Too long");
  assert.deepEqual(failures.map(({ id }) => id), [entry.id]);
  assert.equal(hasUnsent(), false);

  server.answer = () => ({});
  retryMessage(entry.id);
  await settled();
  assert.deepEqual(server.requests.map(({ fields }) => fields.id), [entry.id, entry.id]);
  assert.deepEqual(pendingIn("c"), []);
});

test("a discarded message is forgotten", async () => {
  server.answer = () => ({ status: 400 });
  write("hello");
  await settled();

  discardMessage(pendingIn("c")[0].id);

  assert.deepEqual(pendingIn("c"), []);
});

test("a message is retried under the same id after the server has failed", async () => {
  const answers = [{ status: 503 }, {}];
  server.answer = () => answers.shift();
  write("hello");
  await settled();
  assert.equal(hasUnsent(), true);

  document.dispatchEvent(new Event("socket-open"));
  await settled();

  assert.equal(new Set(server.requests.map(({ fields }) => fields.id)).size, 1);
  assert.equal(server.requests.length, 2);
  assert.equal(hasUnsent(), false);
});
