/** Forms: those whose answer is an event (`data-live`), switches, the people picker, the theme and the search filters. */
import { detailOf, dispatchFragments, request } from "./fragments.js";
import { showToast } from "./toast.js";

/** Post fields and dispatch the fragments of the answer. Show the error and return false if that fails. */
export async function postForm(url, fields) {
  try {
    const body = new URLSearchParams(fields);
    const response = await request(url, { method: "POST", body, headers: { "X-CSRFToken": csrfToken() } });
    const html = await response.text();
    if (response.ok) dispatchFragments(html);
    else showToast(detailOf(html) ?? "failed");
    return response.ok;
  } catch {
    showToast("failed");
    return false;
  }
}

/** Return the CSRF token. It is read from the cookie each time because a login in another tab changes it. */
export function csrfToken() {
  return document.cookie.match(/(?:^|; )csrftoken=([^;]+)/)?.[1] ?? "";
}

document.addEventListener("submit", async (event) => {
  const { target: form, submitter } = event;
  if (!form.matches("[data-live]")) return;
  event.preventDefault();
  event.stopPropagation();
  const fields = new FormData(form);
  if (submitter?.name) fields.append(submitter.name, submitter.value);
  const isDone = await postForm(submitter?.getAttribute("formaction") ?? form.action, fields);
  if (isDone) form.dispatchEvent(new CustomEvent("form-done", { bubbles: true }));
}, { capture: true });

/** A form of switches is sent with each change. Those that could not be saved return to what they were. */
let saving = Promise.resolve();

document.addEventListener("change", ({ target }) => {
  const form = target.closest("[data-instant]");
  if (form) saving = saving.then(() => save(form)); // in turn, so that the last change wins
});

async function save(form) {
  if (!(await postForm(form.action, new FormData(form)))) return form.reset();
  for (const field of form.elements) {
    if (field.type === "checkbox") field.defaultChecked = field.checked;
    for (const option of field.options ?? []) option.defaultSelected = option.selected;
  }
}

/** Moves a person who is selected to the top, so that the next search does not remove them. */
class PeoplePicker extends HTMLElement {
  #chosen = this.querySelector(".picker__chosen");
  #search = this.querySelector("[name=search]");

  connectedCallback() {
    this.querySelector("noscript").remove(); // htmx parses its content, and Enter would press the button in it
    this.addEventListener("change", ({ target }) => target.matches(".pick__box") && this.#toggle(target));
    this.addEventListener("click", ({ target }) => target.closest(".pick__remove") && this.#remove(target.closest(".pick")));
    this.addEventListener("keydown", (event) => this.#pressed(event));
    this.addEventListener("htmx:afterSettle", () => this.#dropRepeated());
    for (const pick of this.#chosen.children) this.#makeRemovable(pick);
    this.#showCount();
  }

  #toggle(box) {
    const pick = box.closest(".pick");
    if (box.checked) this.#choose(pick);
    else this.#remove(pick);
  }

  /** The focus goes to the next suggestion, or to an empty search box for the next name. */
  #choose(pick) {
    const next = pick.nextElementSibling ?? pick.previousElementSibling;
    this.#makeRemovable(pick);
    this.#chosen.append(pick);
    this.#chosen.scrollTop = this.#chosen.scrollHeight;
    this.#changed();
    if (next && !this.#search.value) return next.querySelector("input").focus({ preventScroll: true });
    this.#search.value = "";
    this.#searchAgain();
    this.#search.focus();
  }

  #remove(pick) {
    const beside = pick.nextElementSibling ?? pick.previousElementSibling;
    pick.remove();
    this.#changed();
    this.#searchAgain(); // to offer the person again
    (beside?.querySelector("button") ?? this.#search).focus();
  }

  #makeRemovable(pick) {
    const button = this.querySelector("template").content.firstElementChild.cloneNode(true);
    button.ariaLabel = `${button.title}: ${pick.querySelector(".row__title").textContent}`;
    pick.append(button);
  }

  #changed() {
    this.#showCount();
    this.querySelector(".picker__errors").replaceChildren(); // the errors of the previous selection
  }

  #showCount() {
    const count = this.querySelector(".picker__count");
    const number = this.#chosen.children.length;
    count.textContent = number ? count.dataset.text.replace("%s", String(number)) : "";
  }

  #searchAgain() {
    this.#search.dispatchEvent(new Event("input", { bubbles: true }));
  }

  /** Enter in the search box must not submit the form. */
  #pressed(event) {
    if (event.key === "Enter" && event.target.name === "search") event.preventDefault();
  }

  #dropRepeated() {
    for (const pick of this.querySelectorAll(".people .pick")) {
      const { value } = pick.querySelector("input");
      if (this.#chosen.querySelector(`[value="${CSS.escape(value)}"]`)) pick.remove();
    }
  }
}

customElements.define("people-picker", PeoplePicker);

/** Apply a new theme to the whole page: the settings form replaces only its own card. */
document.addEventListener("htmx:load", ({ detail }) => {
  const theme = detail.elt.querySelector?.("[data-theme]")?.dataset.theme;
  if (!theme) return;
  for (const part of document.head.querySelectorAll("[data-scheme]")) part.media = mediaOf(part.dataset.scheme, theme);
});

/** These rules must agree with base.html, which applies them to the first paint. */
function mediaOf(scheme, theme) {
  if (theme !== "light" && theme !== "dark") return `(prefers-color-scheme: ${scheme})`;
  return theme === scheme ? "all" : "not all";
}

/** The filters of the message search stay open while the user visits a result and returns. */
const KEY = "search-filters";

document.addEventListener("click", ({ target }) => {
  const summary = target.closest(".finder__summary");
  if (summary) sessionStorage.setItem(KEY, summary.parentElement.open ? "" : "open"); // the click is about to toggle it
});

function restore() {
  const filters = document.querySelector(".finder__filters");
  if (filters && sessionStorage.getItem(KEY)) filters.open = true;
}

for (const name of ["htmx:load", "htmx:historyRestore"]) document.addEventListener(name, restore);
restore();

/** Remove a member from the list on a group's Info page. */
document.addEventListener("live-member-removed", ({ detail: { dataset, firstElementChild: count } }) => {
  const row = document.getElementById(`member-${dataset.user}`);
  if (!row) return;
  const beside = row.nextElementSibling ?? row.previousElementSibling;
  row.remove();
  document.getElementById("people-count").replaceWith(count);
  const question = document.querySelector("dialog[open]"); // it would return the focus to the row that was removed
  question?.addEventListener("close", () => beside.querySelector("summary, a")?.focus(), { once: true });
});

/** A link to a member who is not in the list yet loads more members until it has found them. */
let sought = "";

document.addEventListener("htmx:load", ({ detail: { elt } }) => {
  const linked = location.hash.startsWith("#member-") ? location.hash.slice(1) : "";
  const more = elt.matches("#more-members") ? elt : elt.querySelector("#more-members");
  if (sought && elt.id === sought) {
    elt.scrollIntoView({ block: "center" });
    sought = ""; // later versions of the row keep the position
  } else if (linked && more && !document.getElementById(linked)) {
    sought = linked;
    more.querySelector("a").click();
  }
});
