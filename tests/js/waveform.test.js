import assert from "node:assert/strict";
import { test } from "node:test";
import { BARS, loudness, waveformOf } from "../../static/js/waveform.js";

test("a long recording is reduced to as many bars as are shown, from 0 to 100", () => {
  const waveform = waveformOf(Array.from({ length: 1_000 }, (_none, index) => index / 10_000));

  assert.equal(waveform.length, BARS);
  assert.deepEqual([waveform[0] < 5, waveform.at(-1)], [true, 100]);
  assert.deepEqual(waveform, waveform.toSorted((one, other) => one - other));
});

test("short and silent recordings have as many bars", () => {
  assert.deepEqual(waveformOf([0.2, 0.1]).filter((value) => value === 100).length, BARS / 2);
  assert.deepEqual(waveformOf([0, 0]), Array(BARS).fill(0));
  assert.deepEqual(waveformOf([]), Array(BARS).fill(0));
});

test("loudness is that of the whole sample", () => {
  assert.equal(loudness([0, 0]), 0);
  assert.equal(loudness([-0.5, 0.5]), 0.5);
});
