/**
 * Keeps a history complete. Versions of a conversation are consecutive: a message whose version does not follow the
 * last one reveals a gap, which is closed by fetching all changes since then.
 */
import { fetchFragment } from "./fragments.js";
import { versionOf } from "./message-order.js";

const GAP_DELAY_MS = 400; // events that close a gap are often on their way already
const RETRY_MS = 5_000;

/** The newest version announced for each conversation. A page may have been rendered just before the event. */
const announced = new Map();

function noteVersion(conversation, version) {
  announced.set(conversation, Math.max(version, announced.get(conversation) ?? 0));
}

for (const name of ["live-message", "live-version"]) {
  document.addEventListener(name, ({ detail }) => noteVersion(detail.dataset.conversation, versionOf(detail)));
}
document.addEventListener("live-ready", ({ detail }) => {
  for (const { value, dataset } of detail.children) noteVersion(value, Number(dataset.version));
});

export class HistorySync {
  #history;
  #ahead = new Set();
  #isFetching = false;

  constructor(history) {
    this.#history = history;
  }

  get #version() {
    return Number(this.#history.dataset.version);
  }

  set #version(version) {
    this.#history.dataset.version = version;
    for (const early of this.#ahead) if (early <= version) this.#ahead.delete(early);
    if (this.#ahead.has(version + 1)) this.#version = version + 1;
  }

  /** Note the version of an event: a message, or a change that this user may not see. */
  messageArrived(root) {
    const version = versionOf(root);
    if (version > this.#version) this.#ahead.add(version);
    if (version === this.#version + 1) this.#version = version;
    if (this.#ahead.size) setTimeout(() => this.#ahead.size && this.catchUp(), GAP_DELAY_MS);
  }

  /** Fetch changes if a newer version was announced before this history was on the page. */
  check() {
    if (this.#version < (announced.get(this.#history.dataset.conversation) ?? 0)) this.catchUp();
  }

  /** Fetch changes if the server's version differs. It is lower after a backup was restored. */
  compare(version) {
    if (version !== this.#version) this.catchUp();
  }

  async catchUp() {
    if (this.#isFetching) return;
    this.#isFetching = true;
    try {
      await this.#fetchChanges();
    } catch {
      setTimeout(() => this.#history.isConnected && this.catchUp(), RETRY_MS);
    } finally {
      this.#isFetching = false;
    }
  }

  async #fetchChanges() {
    let changes;
    do {
      changes = await fetchFragment(`${this.#history.dataset.changes}?since=${this.#version}`);
      if ("reset" in changes.dataset) return this.#history.reload();
      for (const article of [...changes.children]) this.#history.put(article);
      this.#version = Number(changes.dataset.version);
    } while ("more" in changes.dataset);
  }
}
