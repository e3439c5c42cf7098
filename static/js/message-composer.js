/** The form that writes, answers and edits messages. The outbox sends them. */
import { AttachmentTray } from "./attachment-tray.js";
import { ComposerText } from "./composer-text.js";
import { sendTyping } from "./conversation-bar.js";
import { openDraft } from "./drafts.js";
import { pickInto } from "./emoji-pane.js";
import { postForm } from "./forms.js";
import { editLastOwn, replyToPrevious } from "./message-actions.js";
import { parse } from "./fragments.js";
import { enqueue } from "./outbox.js";
import { isTouch } from "./overlays.js";
import { fillQuote } from "./pending-messages.js";
import { interpolate } from "./translations.js";
import { Upload } from "./uploads.js";
import { attachmentsUrl } from "./urls.js";
import { VoiceRecorder } from "./voice-recorder.js";

const MARKERS = { b: "*", i: "_" }; // by the key that is pressed with Ctrl or ⌘

class MessageComposer extends HTMLElement {
  #form = this.querySelector("form");
  #box = this.querySelector("textarea");
  #text = new ComposerText(this);
  #preview = this.querySelector(".composer__preview");
  #history = document.querySelector("message-history");
  #subject = new ComposerSubject(this.querySelector(".composer__subject"));
  #tray = new AttachmentTray(this, this.#conversation, () => this.#filesChanged());
  #recorder = new VoiceRecorder(this, (file, fields) => this.#sendVoice(file, fields));
  #draft;
  #textBeforeEdit = "";
  #lifetime;

  connectedCallback() {
    this.#lifetime = new AbortController();
    const { signal } = this.#lifetime;
    document.addEventListener("reply-chosen", ({ detail }) => this.#reply(detail), { signal });
    document.addEventListener("edit-chosen", ({ detail }) => this.#edit(detail), { signal });
    this.#form.addEventListener("submit", (event) => this.#submitted(event));
    this.#box.addEventListener("keydown", (event) => this.#keyPressed(event));
    this.#box.addEventListener("input", () => this.#typed());
    this.querySelector(".composer__subject button").addEventListener("click", () => this.#cancel());
    this.querySelector(".composer__emoji").addEventListener("click", ({ currentTarget }) => pickInto(this.#box, currentTarget));
    this.#tray.listen(this, signal);
    this.#filesChanged();
    const { draft: url, limit } = this.dataset;
    this.#draft = openDraft({ conversation: this.#conversation, url, saved: this.#box.defaultValue, limit: Number(limit) });
    addEventListener("live-ready", () => this.#draft.save(), { signal, capture: true });
    for (const name of ["pagehide", "visibilitychange"]) {
      addEventListener(name, () => this.#draft.saveNow(), { signal, capture: true });
    }
    document.addEventListener("live-membership", ({ detail }) => this.#receiveDraft(detail.dataset), { signal });
    document.addEventListener("draft-saved", ({ detail }) => this.#showPreview(detail), { signal });
    document.addEventListener("live-removed", ({ detail }) => this.#close(detail.dataset), { signal });
    if (this.#box.value === this.#box.defaultValue) this.#text.value = this.#draft.text;
    if (!isTouch) this.#box.focus();
  }

  disconnectedCallback() {
    const isClosed = this.#lifetime.signal.aborted;
    this.#lifetime.abort();
    this.#recorder.cancel();
    if (!isClosed) this.#draft.save();
  }

  get #conversation() {
    return this.#history.dataset.conversation;
  }

  #submitted(event) {
    event.preventDefault();
    const body = this.#text.value.trim();
    if (!document.querySelector("emoji-pane").isOpen) this.#box.focus(); // the keyboard would cover the picker
    if (!this.#text.isSendable) return this.#text.refuse();
    if (this.#subject.edit) this.#saveEdit(this.#subject.edit, body);
    else this.#send(body, this.#subject.reply);
  }

  #send(body, reply) {
    this.#enqueue(body, reply, this.#tray.take());
    this.#filesChanged();
    this.#setText("");
    this.#draft.save();
    sendTyping(this.#conversation, false);
  }

  #sendVoice(file, fields) {
    this.#enqueue("", this.#subject.reply, [new Upload(file, { url: attachmentsUrl(this.#conversation), fields })]);
  }

  #enqueue(body, reply, files) {
    const { id: replyTo, ...quote } = reply ?? {};
    const message = { url: this.#form.action, conversation: this.#conversation, body, ...(replyTo && { replyTo, quote }) };
    enqueue(message, files);
    this.#subject.choose(null);
  }

  #filesChanged() {
    this.#text.hasFiles = this.#tray.count > 0;
    this.#text.show();
  }

  async #saveEdit({ url, id }, body) {
    if (await postForm(url, { body }) && this.#subject.edit?.id === id) this.#cancel();
  }

  #reply(message) {
    if (this.#subject.edit) this.#cancel();
    this.#subject.choose(message);
    this.#box.focus();
  }

  #edit(message) {
    if (!this.#subject.edit) this.#textBeforeEdit = this.#text.value;
    this.#subject.choose(message);
    this.#setText(message.text);
    this.#box.focus();
  }

  /** Cancel a reply or an edit. The text from before the edit returns. */
  #cancel() {
    const wasEdit = this.#subject.edit;
    this.#subject.choose(null);
    if (wasEdit) this.#setText(this.#textBeforeEdit);
    this.#box.focus();
  }

  #keyPressed(event) {
    if (event.key === "Enter" && !event.shiftKey && !isTouch) {
      event.preventDefault();
      this.#form.requestSubmit();
    } else if (event.key === "Escape") this.#cancel();
    else if (event.key === "ArrowUp" && event.altKey && !event.shiftKey) replyToPrevious(this.#history, this.#subject.reply);
    else if ((event.ctrlKey || event.metaKey) && MARKERS[event.key]) {
      event.preventDefault();
      this.#wrap(MARKERS[event.key]);
    } else if (event.key === "ArrowUp" && !this.#text.value && editLastOwn(this.#history)) event.preventDefault();
  }

  /** Put the selection between markers, in a way that the browser can undo. */
  #wrap(marker) {
    const { value, selectionStart, selectionEnd } = this.#box;
    document.execCommand("insertText", false, marker + value.slice(selectionStart, selectionEnd) + marker);
    this.#box.setSelectionRange(selectionStart + 1, selectionEnd + 1);
  }

  /** Show how the saved draft will look: the server renders it, as it renders messages. */
  #showPreview({ draft, preview }) {
    if (draft === this.#draft && !this.#subject.edit) this.#preview.replaceChildren(...parse(preview));
  }

  #setText(text) {
    this.#preview.replaceChildren();
    this.#text.value = text;
    this.#keepDraft();
  }

  #typed() {
    this.#text.typed();
    this.#keepDraft();
    sendTyping(this.#conversation, this.#text.value !== "" && !this.#subject.edit);
  }

  #keepDraft() {
    if (!this.#subject.edit) this.#draft.keep(this.#text.value);
  }

  /** Close the composer after the membership has ended. The history and the typed text can still be copied. */
  #close(removal) {
    if (removal.conversation !== this.#conversation) return;
    this.#lifetime.abort();
    const note = closingNote(this.dataset, removal);
    if (this.#text.value) this.#box.readOnly = true;
    else this.#box.hidden = true;
    this.#recorder.cancel();
    for (const upload of this.#tray.take()) upload.cancel();
    for (const part of this.querySelectorAll("button, .composer__left, .composer__subject")) part.remove();
    this.#form.prepend(note);
    closeConversation(this.closest(".conversation"));
  }

  #receiveDraft({ conversation, draft }) {
    if (conversation !== this.#conversation || !this.#draft.receive(draft) || this.#subject.edit) return;
    this.#text.value = draft;
  }
}

/** Return “You were removed by Alice.” or what applies. */
/** @param {DOMStringMap} texts */
function closingNote({ removed, left, gone }, { by, isLeft }) {
  const note = document.createElement("p");
  note.className = "composer__closed";
  note.role = "status";
  const text = isLeft === undefined ? (by ? removed : gone) : left;
  note.append(...interpolate(text, { name: by }));
  return note;
}

function closeConversation(conversation) {
  conversation.classList.add("conversation--closed");
  conversation.querySelector("#conversation-menu").remove();
  const subject = conversation.querySelector("#chat-subject"); // its page cannot be opened any more
  const plain = document.createElement("div");
  plain.className = subject.className;
  plain.append(...subject.childNodes);
  subject.replaceWith(plain);
  for (const link of conversation.querySelectorAll(".history__more")) link.remove();
}

/** What the composer's text is about: a message it answers, one it edits, or nothing. */
export class ComposerSubject {
  #box;
  #chosen = null;

  constructor(box) {
    this.#box = box;
    const id = box.closest("form").elements.reply_to.value;
    const [author, text] = [...box.querySelector(".message__quote").children].map((part) => part.textContent);
    if (id) this.#chosen = { id, author, text };
  }

  /** The message to answer, as `{id, author, text}`. */
  get reply() {
    return this.#chosen?.url ? null : this.#chosen;
  }

  /** The message to edit, as `{id, url, text}`. */
  get edit() {
    return this.#chosen?.url ? this.#chosen : null;
  }

  choose(message) {
    this.#chosen = message;
    this.#box.hidden = !message;
    if (message) fillQuote(this.#box, { author: this.#box.dataset.edit, ...message });
  }
}

customElements.define("message-composer", MessageComposer);
