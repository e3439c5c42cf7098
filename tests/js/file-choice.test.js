import assert from "node:assert/strict";
import { test } from "node:test";
import { addTranslations } from "./page.js";

addTranslations({
  file_too_large: "“%(name)s” is larger than %(limit)s.",
  file_empty: "“%(name)s” is empty.",
  too_many_files: "At most %(limit)s.",
});
const { MOST_FILES, chooseFiles, formatDuration, formatSize } = await import("../../static/js/file-choice.js");

const MIB = 1024 * 1024;
const file = (name, size = 10) => ({ name, size });
const files = (count) => Array.from({ length: count }, (_none, index) => file(`${index}.jpg`));

test("files that fit are accepted without a complaint", () => {
  assert.deepEqual(chooseFiles(files(2), { count: 1, limit: MIB }), { accepted: files(2), complaint: null });
});

test("a file that is too large is named and the others are accepted", () => {
  const chosen = chooseFiles([file("film.mp4", MIB + 1), file("a.jpg")], { count: 0, limit: MIB });

  assert.deepEqual(chosen.accepted, [file("a.jpg")]);
  assert.equal(chosen.complaint, "“film.mp4” is larger than 1\u00a0MB.");
});

test("an empty file is named", () => {
  assert.equal(chooseFiles([file("a.txt", 0)], { count: 0, limit: MIB }).complaint, "“a.txt” is empty.");
});

test("no more files are accepted than a message can have", () => {
  const chosen = chooseFiles(files(5), { count: MOST_FILES - 2, limit: MIB });

  assert.deepEqual(chosen.accepted, files(2));
  assert.equal(chosen.complaint, "At most 10.");
});

test("sizes and durations are short", () => {
  assert.deepEqual([1, 2048, 1.5 * MIB].map(formatSize), ["1\u00a0B", "2\u00a0kB", "1.5\u00a0MB"]);
  assert.deepEqual([0, 7.4, 65, 3600].map(formatDuration), ["0:00", "0:07", "1:05", "60:00"]);
});
