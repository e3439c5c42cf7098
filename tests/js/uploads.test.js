import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";
import { addTranslations, server, settled } from "./page.js";

addTranslations({ upload_failed: "The file could not be uploaded." });
const sent = [];
let answers = [];

/** The edge of the network: each request gets the next answer, or none while there is none. */
globalThis.XMLHttpRequest = class extends EventTarget {
  upload = new EventTarget();
  responseText = "";
  status = 0;
  headers = {};

  open() {}
  setRequestHeader() {}

  send(body) {
    sent.push(body);
    const { status = 201, body: answer = { id: "one", name: "a.jpg", kind: "image", size: 3 }, headers = {} } = answers.shift() ?? { status: null };
    if (status === null) return;
    Object.assign(this, { status, headers, responseText: JSON.stringify(answer) });
    setTimeout(() => this.dispatchEvent(new Event("loadend")));
  }

  abort() {
    this.dispatchEvent(new Event("loadend"));
  }

  getResponseHeader(name) {
    return this.headers[name] ?? null;
  }
};

const { Upload } = await import("../../static/js/uploads.js");
const { discardMessage, enqueue, hasUnsent, pendingIn, retryMessage } = await import("../../static/js/outbox.js");
const MESSAGE = { url: "/messages", conversation: "c", body: "caption" };

beforeEach(() => {
  localStorage.clear();
  sent.length = server.requests.length = 0;
  answers = [];
});

function upload() {
  return new Upload(new File(["abc"], "a.jpg", { type: "image/jpeg" }), { url: "/attachments" });
}

/** Wait until a condition is true; the test runner gives up if it never is. */
async function until(condition) {
  while (!condition()) await settled();
}

test("a message with files is sent after its uploads, with their ids", { timeout: 10_000 }, async () => {
  answers = [{}, { body: { id: "two", name: "b", kind: "file", size: 1 } }];
  enqueue(MESSAGE, [upload(), upload()]);
  assert.equal(hasUnsent(), true);
  await until(() => !hasUnsent());

  const [request] = server.requests;
  assert.deepEqual([request.fields.body, request.lists.attachments], ["caption", ["one", "two"]]);
});

test("messages do not wait for the files of an earlier one", { timeout: 10_000 }, async () => {
  const waiting = upload();
  enqueue(MESSAGE, [waiting]);
  enqueue({ ...MESSAGE, body: "later" });
  await until(() => server.requests.length && sent.length);

  assert.deepEqual(server.requests.map(({ fields }) => fields.body), ["later"]);
  assert.deepEqual(pendingIn("c").map(({ body }) => body), ["caption"]);
  discardMessage(pendingIn("c")[0].id);
  assert.deepEqual([waiting.isCancelled, pendingIn("c"), hasUnsent()], [true, [], false]);
});

test("an upload is repeated after the connection was lost, for the same message", { timeout: 10_000 }, async () => {
  answers = [{ status: 0 }, {}];
  const interrupted = upload();
  enqueue(MESSAGE, [interrupted]);
  const [{ id }] = pendingIn("c");
  await until(() => sent.length && answers.length === 1);
  await settled();

  document.dispatchEvent(new Event("socket-open"));
  await until(() => !hasUnsent());
  assert.equal(sent.length, 2);
  assert.deepEqual(server.requests.map(({ fields }) => fields.id), [id]);
});

test("a refused file is told and can be tried again within the same message", { timeout: 10_000 }, async () => {
  answers = [{ status: 413, body: { detail: "The file is too large." } }];
  enqueue(MESSAGE, [upload()]);
  const [{ id }] = pendingIn("c");
  await until(() => pendingIn("c")[0].error);
  assert.equal(pendingIn("c")[0].error, "The file is too large.");

  answers = [{}];
  retryMessage(id);
  await until(() => !hasUnsent());
  assert.deepEqual(server.requests.map(({ fields }) => fields.id), [id]);
});

test("a cancelled upload lets the next one begin", { timeout: 10_000 }, async () => {
  const [first, second] = [upload(), upload()];
  await until(() => sent.length);

  answers = [{}];
  first.cancel();
  await second.finished;
  assert.equal(second.attachment.id, "one");
});
