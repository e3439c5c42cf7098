import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import "./page.js";

const { mergeNames, queryAt, searchEmoji } = await import("../../static/js/emoji-completion.js");

/** Where `|` is the caret. */
const query = (text) => queryAt(text.replace("|", ""), text.indexOf("|"))?.query ?? null;
const list = (language) => JSON.parse(readFileSync(`static/vendor/emoji-picker-element-1.29.1/${language}.json`, "utf8"));
const emoji = (entries, text) => searchEmoji(entries, text).map((entry) => entry.emoji);

test("a colon that begins a word, and two letters, ask for emoji", () => {
  for (const text of [":hea|", "I :hea|", "line\n:hea|", "(:hea|", "*:hea|", "😀:hea|", "❤️:hea|", ":hea| you", ":hea|rt"]) {
    assert.equal(query(text), "hea", text);
  }
  assert.equal(query(":Thumbs_Up|"), "thumbs_up");
  assert.equal(query(":grün|"), "grün");
});

test("the place of the colon is told", () => {
  assert.deepEqual(queryAt("I :hea", 6), { query: "hea", start: 2 });
});

test("times, addresses, words and smileys are left alone", () => {
  for (const text of ["12:30|", "http://x:80|", "https://a.org/:he|", "note:this|", ":D|", ":-)|", "::he|", ":heart:|", ": he|", ":8th|", "|:he", ":hea |"]) {
    assert.equal(query(text), null, text);
  }
});

test("code is left alone until it ends", () => {
  for (const text of ["`:he|", "see `a :he|", "```\n:he|", "```\na `b` :he|"]) assert.equal(query(text), null, text);
  for (const text of ["`a` :he|", "`a\n:he|", "```\na\n``` :he|"]) assert.equal(query(text), "he", text);
});

test("the best match is the first of at most six", () => {
  const english = mergeNames([list("en")]);

  assert.equal(emoji(english, "heart")[0], "❤️");
  assert.equal(emoji(english, "hea").length, 6);
  assert.ok(emoji(english, "tada").includes("🎉"));
  assert.deepEqual(emoji(english, "qqq"), []);
});

test("in German, emoji are found by German and by English names, and shown with the German one", () => {
  const german = mergeNames([list("de"), list("en")]);

  assert.ok(emoji(german, "herz").includes("❤️"));
  assert.ok(emoji(german, "daumen").includes("👍️"));
  assert.equal(emoji(german, "heart")[0], "❤️");
  assert.equal(searchEmoji(german, "heart")[0].name, "rotes Herz");
});
