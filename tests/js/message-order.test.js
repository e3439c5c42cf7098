import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";
import { element } from "./page.js";

const { advance, deliveryStatus, endOf, insert, messagesOf, seqOf } = await import("../../static/js/message-order.js");

let history;

beforeEach(() => (history = element("<section><a rel='prev'></a><a rel='next'></a></section>")));

function message(seq) {
  return element(`<article class="message" ${seq ? `data-seq="${seq}"` : ""}></article>`);
}

function order() {
  return messagesOf(history).map(seqOf);
}

test("messages are ordered by seq, whatever the order of their arrival", () => {
  for (const seq of [3, 1, 2, 5, 4]) insert(history, message(seq));

  assert.deepEqual(order(), [1, 2, 3, 4, 5]);
});

test("a pending message stays last", () => {
  insert(history, message());
  insert(history, message(7));

  assert.deepEqual(order(), [7, Infinity]);
});

test("messages stay before the link to the next page", () => {
  insert(history, message(1));

  assert.equal(history.lastElementChild.rel, "next");
  assert.equal(seqOf(endOf(history)), 1);
});

test("the status of a message follows from the two watermarks", () => {
  const watermarks = { deliveredSeq: "5", readSeq: "3" };

  assert.deepEqual([3, 4, 5, 6].map((seq) => deliveryStatus(seq, watermarks)), ["read", "delivered", "delivered", "sent"]);
});

test("a watermark never decreases, and is compared as a number", () => {
  const row = element('<li data-read-seq="9"></li>');

  advance(row, "readSeq", "10");
  advance(row, "readSeq", 2);

  assert.equal(row.dataset.readSeq, "10");
});
