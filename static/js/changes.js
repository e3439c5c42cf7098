/**
 * Keeps a history in step with its conversation's version. Live messages come in version order; one
 * that does not follow ours leaves a hole, which is filled by asking for what has changed since.
 */
import { fetchFragment } from "./fragments.js";
import { versionOf } from "./message-places.js";

const HOLE_MS = 400; // what fills a hole is often on its way already
const RETRY_MS = 5_000;

/** The newest version heard of, by conversation: a page may have been rendered just before it. */
const heard = new Map();

function hear(conversation, version) {
  heard.set(conversation, Math.max(version, heard.get(conversation) ?? 0));
}

document.addEventListener("live-message", ({ detail }) => hear(detail.dataset.conversation, versionOf(detail)));
document.addEventListener("live-ready", ({ detail }) => {
  for (const { value, dataset } of detail.children) hear(value, Number(dataset.version));
});

export class Changes {
  #history;
  #ahead = new Set();
  #asking;

  constructor(history) {
    this.#history = history;
  }

  get #version() {
    return Number(this.#history.dataset.version);
  }

  set #version(version) {
    this.#history.dataset.version = version;
    for (const seen of this.#ahead) if (seen <= version) this.#ahead.delete(seen);
    if (this.#ahead.has(version + 1)) this.#version = version + 1;
  }

  /** To be told about every message that came by itself. */
  seen(article) {
    const version = versionOf(article);
    if (version > this.#version) this.#ahead.add(version);
    if (version === this.#version + 1) this.#version = version;
    if (this.#ahead.size) setTimeout(() => this.#ahead.size && this.catchUp(), HOLE_MS);
  }

  /** Asks if something is known to be missing, also from before this history was on the page. */
  check() {
    if (this.#version < (heard.get(this.#history.dataset.conversation) ?? 0)) this.catchUp();
  }

  /** A history that is ahead of the server was shown before a backup was restored. */
  compare(version) {
    if (version !== this.#version) this.catchUp();
  }

  catchUp() {
    this.#asking ??= this.#ask()
      .catch(() => setTimeout(() => this.#history.isConnected && this.catchUp(), RETRY_MS))
      .finally(() => (this.#asking = undefined));
  }

  async #ask() {
    let changes;
    do {
      changes = await fetchFragment(`${this.#history.dataset.changes}?since=${this.#version}`);
      if ("reset" in changes.dataset) return this.#history.reload();
      for (const article of [...changes.children]) this.#history.put(article);
      this.#version = Number(changes.dataset.version);
    } while ("more" in changes.dataset);
  }
}
