/** What htmx leaves to the page: local times, the open row, errors, and signing out. */
import { detailOf, fetchFragment, leadToLogin, loginPath } from "./fragments.js";
import { tell } from "./hearing.js";
import { localise } from "./times.js";
import { say } from "./toast-line.js";

const INVALID = 422; // a form that comes back with what is wrong in it
const TOO_FAST = 429; // what is on the page stays there, and so does what was typed

document.addEventListener("htmx:load", ({ detail }) => localise(detail.elt));

/** What is searched for stands in the address; an answer that comes when one has gone on is unheard. */
document.addEventListener("htmx:load", ({ detail }) => {
  const { id, dataset } = detail.elt;
  if (id === "found") history.replaceState(history.state, "", dataset.address);
});

for (const name of ["htmx:pushedIntoHistory", "htmx:replacedInHistory", "htmx:historyRestore", "list-changed"]) {
  document.addEventListener(name, settle);
}

function settle() {
  for (const link of document.querySelectorAll(".rows .row__link")) {
    if (isOpen(link.pathname)) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
  const history = document.querySelector("message-history");
  if (history) document.querySelector("conversation-list").ensure(history.dataset.conversation);
}

function isOpen(pathname) {
  return location.pathname === pathname || location.pathname.startsWith(`${pathname}/`);
}

/** Only the last step counts: a late answer would take the pane from whoever has gone on, and is writing there. */
let step;

document.addEventListener("htmx:beforeRequest", ({ detail }) => detail.target.id === "pane" && take(detail));
document.addEventListener("htmx:historyCacheMiss", ({ detail }) => take(detail));

function take(next) {
  while (step && !isForm(step)) {
    const { xhr } = step;
    step = null;
    xhr.abort(); // the second click of a double one has waited for this, and is the next to be broken off
  }
  step = next;
}

/** What a form asks for is to be done all the same; its answer alone comes too late. */
document.addEventListener("htmx:beforeSwap", ({ detail }) => {
  if (detail.target.id === "pane" && detail.xhr !== step.xhr) detail.shouldSwap = false;
});

function isForm({ requestConfig }) {
  return requestConfig?.verb === "post";
}

/** A pane that takes no focus of its own gets it, so that Tab goes on from there. */
document.addEventListener("htmx:afterSettle", ({ detail }) => {
  if (detail.target?.id === "pane" && !detail.target.contains(document.activeElement)) detail.target.focus();
});

/** The login form, and the error of a page one wanted to see, are whole pages; other errors are said, and the page stays. */
document.addEventListener("htmx:beforeSwap", ({ detail: { xhr, target, requestConfig } }) => {
  const isPage = target.id === "pane" && requestConfig.verb === "get";
  const login = loginAt(xhr);
  if (login && isPage) location.assign(login);
  else if (login) leadToLogin();
  else if (xhr.status < 400 || xhr.status === INVALID) return;
  else if (isPage && xhr.status !== TOO_FAST) location.assign(requestConfig.path);
  else say(detailOf(xhr.responseText) ?? "failed");
});

document.addEventListener("htmx:sendError", () => say("failed"));
document.addEventListener("htmx:historyCacheMiss", ({ detail }) => (detail.xhr.onerror = () => say("failed")));
document.addEventListener("htmx:historyCacheMissLoadError", () => location.reload());

/** Back and forward, within a document: whoever has been signed out meanwhile sees nothing of it. */
document.addEventListener("htmx:historyCacheMissLoad", ({ detail }) => {
  const login = loginAt(detail.xhr);
  if (!login) return;
  detail.response = "";
  location.assign(login);
});

/** And a document that the browser has kept whole is asked for anew. */
addEventListener("pageshow", ({ persisted }) => {
  if (!persisted) return;
  document.documentElement.hidden = true;
  location.reload();
});

/** The address of the login page, if that is where the request has ended. */
function loginAt({ responseURL }) {
  const arrived = new URL(responseURL || location.href);
  return arrived.pathname === loginPath() ? arrived.href : "";
}

/** The open conversation was renamed, its members changed, or one keeps it otherwise. */
async function refreshBar({ conversation }) {
  const bar = document.getElementById("conversation-bar");
  if (!bar || !isOpen(`/chats/${conversation}`)) return;
  const fresh = await fetchFragment(`/chats/${conversation}/bar`).catch(() => null);
  if (!fresh) return;
  const { id } = document.activeElement;
  htmx.process(fresh);
  localise(fresh);
  document.title = document.title.replace(titleIn(bar), () => titleIn(fresh));
  bar.replaceWith(fresh);
  if (id && document.activeElement === document.body) document.getElementById(id)?.focus();
  tell("bar-changed");
}

/** On the Info page the form stands by itself. */
async function refreshKeep({ conversation }) {
  const shown = () => document.querySelector(`.sheet .keep[action="/chats/${conversation}/settings"]`);
  if (!shown()) return;
  const bar = await fetchFragment(`/chats/${conversation}/bar`).catch(() => null);
  const form = shown();
  if (!form || !bar) return;
  const { name } = form.contains(document.activeElement) ? document.activeElement : {};
  const fresh = bar.querySelector(".keep");
  localise(fresh);
  form.replaceWith(fresh);
  if (name) fresh.querySelector(`[name="${name}"]`).focus();
}

function titleIn(bar) {
  return bar.querySelector(".bar__title").textContent;
}

/** A title changes with a line in the history: whoever missed a line may have missed a title. */
function compareBar(heads) {
  const head = heads.find(({ value }) => isOpen(`/chats/${value}`));
  const bar = document.getElementById("conversation-bar");
  if (bar && head && head.dataset.lastSeq !== bar.dataset.lastSeq) refreshBar({ conversation: head.value });
}

document.addEventListener("live-conversation", ({ detail }) => refreshBar(detail.dataset));
document.addEventListener("live-ready", ({ detail }) => compareBar([...detail.children]));
document.addEventListener("kept-otherwise", ({ detail }) => refreshBar(detail));
document.addEventListener("kept-otherwise", ({ detail }) => refreshKeep(detail));

/** What was written here is nobody else's business. */
document.addEventListener("submit", (event) => {
  if (!event.target.matches("[data-forgets]")) return;
  event.preventDefault();
  document.querySelector("live-socket").leave(); // or its news would lead away before the answer is there
  forget().finally(() => event.target.submit());
});

async function forget() {
  for (const storage of [sessionStorage, localStorage]) storage.clear();
  for (const { name } of await indexedDB.databases()) await deleted(name);
}

/** One that is open still goes when the page does. */
function deleted(name) {
  const request = indexedDB.deleteDatabase(name);
  return new Promise((settle) => {
    for (const end of ["success", "error", "blocked"]) request.addEventListener(end, settle);
  });
}

settle();
localise(document.body);
