/** Completes “:hea” in the message box to an emoji. The names are loaded when one is typed for the first time. */

const MOST_OPTIONS = 6;
/** Matches a colon at the start of a word and at least two letters, at the end of a text. */
const QUERY = /(?:^|[\s([{"'“„*_~>]|\p{Extended_Pictographic}\ufe0f?)(:(\p{L}{2}[\p{L}\p{N}_-]*))$/u;
const WORD_PENALTY = 6; // characters
const TAG_PENALTY = 20;
const STEPS = { ArrowDown: 1, ArrowUp: -1 };

/**
 * Return what was typed of an emoji's name before the caret and where its colon is, or null.
 * @param {string} text
 * @param {number} caret
 */
export function queryAt(text, caret) {
  const before = text.slice(0, caret);
  const found = isInCode(before) ? null : QUERY.exec(before);
  return found && { query: found[2].toLowerCase(), start: caret - found[1].length };
}

/** Return whether the text ends within a code block or a code span, which ends with its line. */
function isInCode(text) {
  const parts = text.split("```");
  const line = parts.at(-1).split("\n").at(-1);
  return parts.length % 2 === 0 || line.split("`").length % 2 === 0;
}

/**
 * Merge lists of the picker's data. An emoji has its name in the first list, and is found by its names in all lists.
 * @param {{ emoji: string, annotation: string, shortcodes?: string[], tags?: string[] }[][]} lists
 */
export function mergeNames(lists) {
  const merged = new Map();
  for (const { emoji, annotation, shortcodes = [], tags = [] } of lists.flat()) {
    if (!merged.has(emoji)) merged.set(emoji, { emoji, name: annotation, names: [], tags: [] });
    const entry = merged.get(emoji);
    entry.names.push(...[annotation, ...shortcodes].map((name) => name.toLowerCase().replaceAll(" ", "_")));
    entry.tags.push(...tags.map((tag) => tag.toLowerCase()));
  }
  return [...merged.values()];
}

/** Return the best matches, with the shorter name first among equals. */
export function searchEmoji(entries, query) {
  const scored = entries.map((entry) => ({ entry, score: scoreOf(entry, query), length: shortest(entry.names) }));
  const isFound = ({ score }) => Number.isFinite(score);
  const inOrder = (one, other) => one.score - other.score || one.length - other.length;
  return scored.filter(isFound).sort(inOrder).slice(0, MOST_OPTIONS).map(({ entry }) => entry);
}

/** Return the distance of an emoji from the query; the best match is a name that begins with the query. */
function scoreOf({ names, tags }, query) {
  const matching = (words) => words.filter((word) => word.startsWith(query));
  const words = matching(names.flatMap((name) => name.split(/[_-]/)));
  const exact = words.includes(query) ? query.length + 1 : Infinity;
  return Math.min(shortest(matching(names)), exact, shortest(words) + WORD_PENALTY, shortest(matching(tags)) + TAG_PENALTY);
}

function shortest(words) {
  return Math.min(...words.map((word) => word.length)); // infinite if there is none
}

let loading;

/** Load the names in the reader's language, and the English ones, which many people know. */
function loadNames() {
  loading ??= fetchNames();
  loading.catch(() => (loading = undefined)); // the next letter tries again
  return loading;
}

async function fetchNames() {
  const { names, english } = document.querySelector("emoji-pane").dataset;
  const lists = [...new Set([names, english])].map(async (url) => (await fetch(url)).json());
  return mergeNames(await Promise.all(lists));
}

/** The list above the message box. The box keeps the focus, and is a combobox while the list is open. */
class EmojiCompletion extends HTMLElement {
  #composer = this.closest("message-composer");
  #box = this.#composer.querySelector("textarea");
  #found = null;
  #dismissed = -1; // where the colon is whose list was closed by Escape
  #lifetime;

  connectedCallback() {
    this.#lifetime = new AbortController();
    const { signal } = this.#lifetime;
    this.#box.addEventListener("input", (event) => this.#update(event), { signal });
    this.#box.addEventListener("compositionend", () => this.#update(), { signal });
    for (const name of ["blur", "compositionstart"]) this.#box.addEventListener(name, () => this.#close(), { signal });
    this.#composer.addEventListener("submit", () => this.#close(), { signal });
    this.#composer.addEventListener("keydown", (event) => this.#pressed(event), { signal, capture: true });
    document.addEventListener("selectionchange", () => this.#current?.query === this.#found?.query || this.#close(), { signal });
    this.addEventListener("pointerdown", (event) => event.preventDefault()); // the box keeps the focus
    this.addEventListener("click", ({ target }) => this.#choose(target.closest("[role=option]")));
  }

  disconnectedCallback() {
    this.#lifetime.abort();
  }

  get #current() {
    return queryAt(this.#box.value, this.#box.selectionEnd);
  }

  get #options() {
    return [...this.children];
  }

  get #selected() {
    return this.querySelector("[aria-selected=true]");
  }

  async #update({ isComposing = false } = {}) {
    const found = isComposing ? null : this.#current;
    if (found?.start !== this.#dismissed) this.#dismissed = -1;
    if (!found || found.start === this.#dismissed) return this.#close();
    const names = await loadNames().catch(() => []);
    if (this.#current?.query !== found.query || document.activeElement !== this.#box) return;
    const matches = searchEmoji(names, found.query);
    if (matches.length) this.#open(found, matches);
    else this.#close();
  }

  #open(found, matches) {
    this.#found = found;
    this.replaceChildren(...matches.map(option));
    this.hidden = false;
    this.#box.role = "combobox";
    for (const [name, value] of [["controls", this.id], ["expanded", "true"], ["autocomplete", "list"]]) {
      this.#box.setAttribute(`aria-${name}`, value);
    }
    this.#select(this.#options[0]);
  }

  #close() {
    if (this.hidden) return;
    this.#found = null;
    this.hidden = true;
    this.replaceChildren();
    for (const name of ["role", "aria-controls", "aria-expanded", "aria-autocomplete", "aria-activedescendant"]) {
      this.#box.removeAttribute(name);
    }
  }

  #select(option) {
    for (const each of this.#options) each.ariaSelected = String(each === option);
    this.#box.setAttribute("aria-activedescendant", option.id);
  }

  #pressed(event) {
    const { key, shiftKey, ctrlKey, altKey, metaKey } = event;
    if (this.hidden || event.target !== this.#box || shiftKey || ctrlKey || altKey || metaKey) return;
    const options = this.#options;
    if (STEPS[key]) this.#select(options.at((options.indexOf(this.#selected) + STEPS[key]) % options.length));
    else if (key === "Enter" || key === "Tab") this.#choose(this.#selected);
    else if (key === "Escape") this.#dismiss();
    else return;
    event.preventDefault();
    event.stopPropagation(); // the composer would send the message
  }

  #dismiss() {
    this.#dismissed = this.#found.start;
    this.#close();
  }

  /** Replace what was typed, in a way that the browser can undo. */
  #choose(option) {
    if (!option) return;
    const { start } = this.#found;
    this.#close();
    this.#box.setSelectionRange(start, this.#box.selectionEnd);
    document.execCommand("insertText", false, option.dataset.emoji);
  }
}

function option({ emoji, name }, index) {
  const element = document.createElement("div");
  const symbol = document.createElement("span");
  symbol.className = "completion__emoji";
  symbol.textContent = emoji;
  element.className = "completion__option";
  element.id = `emoji-option-${index}`;
  element.role = "option";
  element.dataset.emoji = emoji;
  element.append(symbol, name);
  return element;
}

customElements.define("emoji-completion", EmojiCompletion);
