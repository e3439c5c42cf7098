/** Drafts: kept in this tab at once, on the server after a pause, and received from other devices. */
import { csrfToken } from "./forms.js";
import { dispatch, request } from "./fragments.js";

const PAUSE_MS = 1_000;
const drafts = new Map(); // one per conversation, so that saves stay in order when it is opened again

/** When the shown page was requested: the document, or what htmx put into its pane. */
let requestedAt = performance.timeOrigin;

document.addEventListener("htmx:beforeRequest", ({ detail }) => detail.target.id === "pane" && noteRequest());
document.addEventListener("htmx:historyCacheMiss", noteRequest);

function noteRequest() {
  requestedAt = Date.now();
}

/** Return the draft of a conversation. `saved` is the server's text, `limit` the most characters it stores. */
export function openDraft({ conversation, url, saved, limit }) {
  if (!drafts.has(conversation)) drafts.set(conversation, new Draft({ conversation, url, limit }));
  const draft = drafts.get(conversation);
  draft.load(saved);
  return draft;
}

class Draft {
  #key;
  #lastSaveKey;
  #url;
  #limit;
  #saved;
  #timer;
  #queue = Promise.resolve();
  #request; // aborts the save that is in progress
  #echoes = []; // texts saved from this tab, which the server will send back

  constructor({ conversation, url, limit }) {
    this.#key = `draft:${document.body.dataset.user}:${conversation}`;
    this.#lastSaveKey = `last-save:${document.body.dataset.user}:${conversation}`;
    this.#url = url;
    this.#limit = limit;
  }

  /** Take over the server's text, unless the page may be older than a save from this tab. */
  load(saved) {
    if (this.#request) return;
    const last = JSON.parse(sessionStorage.getItem(this.#lastSaveKey) ?? "null");
    this.#saved = last?.at > requestedAt ? last.text : saved;
    this.#echoes = [];
  }

  get text() {
    return this.#unsaved ?? this.#saved;
  }

  get #unsaved() {
    return sessionStorage.getItem(this.#key);
  }

  keep(text) {
    sessionStorage.setItem(this.#key, text.trim() && text);
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.save(), PAUSE_MS);
  }

  /** Save after all earlier saves, so that none of them overtakes the save that clears the draft. */
  save() {
    clearTimeout(this.#timer);
    this.#queue = this.#queue.then(() => this.#save());
  }

  /** Save at once because the page may be closed. This replaces a save that is in progress. */
  saveNow() {
    clearTimeout(this.#timer);
    if (this.#unsaved !== null) this.#request?.abort();
    this.#save();
  }

  async #save() {
    const text = this.#unsaved;
    if (text === null || [...text].length > this.#limit) return; // the server would cut it
    if ((this.#request || text !== this.#saved) && !(await this.#send(text))) return;
    this.#saved = text;
    sessionStorage.setItem(this.#lastSaveKey, JSON.stringify({ text, at: Date.now() }));
    if (this.#unsaved === text) sessionStorage.removeItem(this.#key);
  }

  /** The request continues after the page is closed. */
  async #send(text) {
    const controller = (this.#request = new AbortController());
    const echo = text.trim();
    this.#echoes.push(echo);
    try {
      const options = { method: "POST", body: new URLSearchParams({ text }), headers: { "X-CSRFToken": csrfToken() } };
      const response = await request(this.#url, { ...options, signal: controller.signal, keepalive: true });
      if (response.ok && text === (this.#unsaved ?? text)) dispatch("draft-saved", { draft: this, preview: await response.text() });
      return response.ok;
    } catch {
      this.#echoes = this.#echoes.filter((other) => other !== echo);
      return false;
    } finally {
      if (this.#request === controller) this.#request = undefined;
    }
  }

  /** Apply a text that the server has announced. Return whether the composer must show it. */
  receive(text) {
    if (text === undefined) return false;
    const echo = this.#echoes.indexOf(text.trim());
    if (echo >= 0) this.#echoes.splice(0, echo + 1);
    const isNew = echo < 0 && text.trim() !== this.#saved.trim() && this.#unsaved === null;
    if (isNew) this.#saved = text;
    return isNew;
  }
}
