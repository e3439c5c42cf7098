import assert from "node:assert/strict";
import { test } from "node:test";
import { addTranslations } from "./page.js";

const { labelsOf } = await import("../../static/js/message-actions.js");

addTranslations({ attached_image: "Photo", attached_file: "File" });

test("several photos are counted, and files are named", () => {
  const photo = { kind: "image", name: "garden.png" };

  assert.equal(labelsOf([photo]), "Photo");
  assert.equal(labelsOf([photo, { kind: "file", name: "notes.txt" }, photo]), "Photo (2), notes.txt");
});

test("a file whose name cannot be read is called a file", () => {
  assert.equal(labelsOf([{ kind: "file", name: "" }]), "File");
});
