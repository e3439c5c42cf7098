import assert from "node:assert/strict";
import { test } from "node:test";
import { addTranslations, element, ME } from "./page.js";

const { hasSameSettings, insertInOrder, moveWatermarks, needsAttention, showPendingPreview, showPreview, showUnread } = await import("../../static/js/row.js");

addTranslations({ marked_unread: "Marked as unread" });

function row({ active = "2026-01-01T00:00:00Z", attributes = "", seq = 5 } = {}) {
  return element(`<li class="row" data-kind="group" data-active="${active}" data-last-seq="${seq}" data-read-seq="2"
    data-all-delivered-seq="0" data-all-read-seq="0" data-muted-until="" ${attributes}>
    <span class="row__status"></span><bdi class="row__sender"></bdi><svg class="row__attached" hidden><use href="/static/icons.svg#file"></use></svg><span class="row__preview"></span><span class="badge"></span></li>`);
}

function message(sender, text) {
  return element(`<article class="message--text" data-sender="${sender}"><p class="message__author">Bob</p>
    <span class="message__body">${text}</span></article>`);
}

const text = (element, part) => element.querySelector(part).textContent;

test("rows are ordered by activity, pinned ones first", () => {
  const rows = element("<ul></ul>");
  const old = row({ active: "2026-01-01T00:00:00Z" });
  const recent = row({ active: "2026-01-02T00:00:00Z" });
  const pinned = row({ active: "2025-01-01T00:00:00Z", attributes: "data-pinned" });

  for (const each of [old, pinned, recent]) insertInOrder(rows, each);

  assert.deepEqual([...rows.children], [pinned, recent, old]);
});

test("the badge counts messages after the last one that was read", () => {
  const unread = row();
  showUnread(unread);
  assert.equal(text(unread, ".badge"), "3");
  assert.equal(needsAttention(unread), true);

  unread.dataset.readSeq = "5";
  showUnread(unread);
  assert.equal(text(unread, ".badge"), "");
  assert.equal(needsAttention(unread), false);
});

test("a conversation that was marked as unread has a dot with a text instead of a number", () => {
  const marked = row({ attributes: "data-marked-unread" });
  marked.dataset.readSeq = "5";
  showUnread(marked);
  assert.equal(text(marked, ".badge .visually-hidden"), "Marked as unread");
  assert.equal(needsAttention(marked), true);

  marked.dataset.lastSeq = "6";
  showUnread(marked);
  assert.equal(text(marked, ".badge"), "1");
});

test("muted and archived conversations need no attention", () => {
  for (const attributes of ['data-muted-until="9999-01-01T00:00:00Z"', "data-archived"]) {
    const quiet = row();
    const [name, value = ""] = attributes.split("=");
    quiet.setAttribute(name, value.replaceAll('"', ""));
    showUnread(quiet);
    assert.equal(needsAttention(quiet), false, attributes);
  }
});

test("the preview names the sender in a group and shows the status of one's own message", () => {
  const other = row();
  showPreview(other, message("bob", "hello"));
  assert.deepEqual([text(other, ".row__sender"), text(other, ".row__preview")], ["Bob", "hello"]);
  assert.equal(other.querySelector(".row__status").hidden, true);

  const own = row();
  showPreview(own, message(ME, "hello"));
  assert.equal(text(own, ".row__sender"), "You");
  assert.equal(own.querySelector(".row__status").dataset.status, "sent");
});

test("the preview shows what is attached", () => {
  const other = row();
  const icon = other.querySelector(".row__attached");
  const photo = message("bob", "On the beach");
  photo.append(element('<a data-kind="image" data-name="beach.jpg"></a>'));
  showPreview(other, photo);
  assert.equal(icon.querySelector("use").getAttribute("href"), "/static/icons.svg#image");
  assert.equal(icon.hasAttribute("hidden"), false);

  showPreview(other, message("bob", "hello"));
  assert.equal(icon.hasAttribute("hidden"), true);

  showPendingPreview(other, { text: "Voice message", kind: "voice" });
  assert.equal(icon.querySelector("use").getAttribute("href"), "/static/icons.svg#voice");
});

test("the status follows the watermarks", () => {
  const own = row();
  moveWatermarks(own, { deliveredSeq: "5", readSeq: "4" });
  assert.equal(own.querySelector(".row__status").dataset.status, "delivered");

  moveWatermarks(own, { deliveredSeq: "5", readSeq: "5" });
  assert.equal(own.querySelector(".row__status").dataset.status, "read");
});

test("settings are compared by value and presence", () => {
  const shown = row({ attributes: "data-pinned" });

  assert.equal(hasSameSettings(shown, element('<i data-muted-until="" data-pinned></i>')), true);
  assert.equal(hasSameSettings(shown, element('<i data-muted-until=""></i>')), false);
});
