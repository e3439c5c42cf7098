/** Navigation within the page by htmx: the current row, late responses, errors, and logging out. */
import { detailOf, dispatch, goToLogin, leave, loginPath } from "./fragments.js";
import { discardAll, hasUnsent } from "./outbox.js";
import { localise } from "./times.js";
import { showToast } from "./toast.js";
import { translation } from "./translations.js";
import { isWithin } from "./urls.js";

const INVALID = 422; // the answer is the form with its errors
const TOO_FAST = 429; // the page and what was typed stay

/** Events of requests that were aborted or could not be sent. The page shows those errors itself. */
const NO_ERRORS = new Set(["htmx:afterRequest", "htmx:sendAbort", "htmx:sendError", "htmx:timeout"]);

htmx.logger = (_element, name, detail) => {
  if (NO_ERRORS.has(name)) delete detail?.error; // htmx would log it
};

document.addEventListener("htmx:load", ({ detail }) => localise(detail.elt));

/** The address contains the search terms. An answer that arrives after leaving the search is ignored. */
document.addEventListener("htmx:load", ({ detail }) => {
  const { id, dataset } = detail.elt;
  if (id === "found") history.replaceState(history.state, "", dataset.address);
});

for (const name of ["htmx:pushedIntoHistory", "htmx:replacedInHistory", "htmx:historyRestore"]) {
  document.addEventListener(name, updateForLocation);
}
document.addEventListener("list-changed", highlightCurrent);

/** Return the path of the previous entry of the browser's history. Some browsers do not tell. */
export function previousPath() {
  const { navigation } = window;
  const previous = navigation?.entries()[navigation.currentEntry.index - 1];
  return previous?.url ? new URL(previous.url).pathname : null;
}

/** A back arrow that leads to the previous page goes back in the browser's history, instead of adding an entry. */
document.addEventListener("click", (event) => {
  const arrow = event.target.closest(".bar__back");
  if (!arrow || arrow.closest("dialog") || event.ctrlKey || event.metaKey || event.shiftKey) return;
  if (previousPath() !== arrow.pathname) return;
  event.preventDefault();
  event.stopPropagation();
  history.back();
}, { capture: true });

function updateForLocation() {
  highlightCurrent();
  const archive = document.querySelector(".archive:has([aria-current])");
  if (archive) archive.open = true;
}

function highlightCurrent() {
  markCurrent(location.pathname);
  const history = document.querySelector(".conversation:not(.conversation--closed) message-history");
  if (history) document.querySelector("conversation-list").ensure(history.dataset.conversation);
}

function markCurrent(pathname) {
  for (const link of document.querySelectorAll(".rows .row[data-conversation] .row__link")) {
    if (isWithin(link.pathname, pathname)) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
  dispatch("current-row-changed");
}

/** The last navigation wins: a late answer must not replace a page that was opened after it. */
let step;

document.addEventListener("htmx:beforeRequest", ({ detail }) => {
  if (detail.target.id !== "pane") return;
  startStep(detail);
  if (!isForm(detail)) markCurrent(new URL(detail.pathInfo.requestPath, location.href).pathname);
});
document.addEventListener("htmx:historyCacheMiss", ({ detail }) => startStep(detail));
document.addEventListener("htmx:afterRequest", ({ detail }) => detail.xhr === step?.xhr && showBusy(false));
document.addEventListener("htmx:historyRestore", () => showBusy(false));

/** The pane is dimmed while another page is being loaded. */
function showBusy(isBusy) {
  document.getElementById("pane").ariaBusy = isBusy ? "true" : null;
}

/** Keep the current page because the request has failed. */
function showRequestFailure() {
  showBusy(false);
  highlightCurrent();
  showToast("failed");
}

function startStep(next) {
  while (step && !isForm(step)) {
    const { xhr } = step;
    step = null;
    xhr.abort(); // the second request of a double click was queued behind it and is aborted next
  }
  step = next;
  showBusy(true);
}

/** A form is processed even if the user has moved on. Only its answer is dropped. */
document.addEventListener("htmx:beforeSwap", ({ detail }) => {
  if (detail.target.id === "pane" && detail.xhr !== step.xhr) detail.shouldSwap = false;
});

function isForm({ requestConfig }) {
  return requestConfig?.verb === "post";
}

/** The pane gets the focus unless its content has it, so that Tab continues from there. */
document.addEventListener("htmx:afterSettle", ({ detail }) => {
  if (detail.target?.id === "pane" && !detail.target.contains(document.activeElement)) detail.target.focus();
});

/** The login form and the error of a requested page replace the document. Other errors are shown as toasts. */
document.addEventListener("htmx:beforeSwap", ({ detail: { xhr, target, requestConfig } }) => {
  const isPage = target.id === "pane" && requestConfig.verb === "get";
  const login = loginAt(xhr);
  if (login && isPage) leave(login);
  else if (login) goToLogin();
  else if (xhr.status < 400 || xhr.status === INVALID) return;
  else if (isPage && xhr.status !== TOO_FAST) location.assign(requestConfig.path);
  else {
    highlightCurrent();
    showToast(detailOf(xhr.responseText) ?? "failed");
  }
});

document.addEventListener("htmx:sendError", showRequestFailure);
document.addEventListener("htmx:historyCacheMiss", ({ detail }) => (detail.xhr.onerror = showRequestFailure));
document.addEventListener("htmx:historyCacheMissLoadError", () => location.reload());

/** A page from the browser's history is not shown after the user has logged out. */
document.addEventListener("htmx:historyCacheMissLoad", ({ detail }) => {
  const login = loginAt(detail.xhr);
  if (!login) return;
  detail.response = "";
  leave(login);
});

/** A document from the back/forward cache is loaded again, for the same reason. */
addEventListener("pageshow", ({ persisted }) => {
  if (!persisted) return;
  document.documentElement.hidden = true;
  location.reload();
});

/** Return the address of the login page if the request was redirected there. */
function loginAt({ responseURL }) {
  const arrived = new URL(responseURL || location.href);
  return arrived.pathname === loginPath() ? arrived.href : "";
}

/** Logging out deletes everything that the page has stored in the browser. */
document.addEventListener("submit", (event) => {
  if (!event.target.matches("[data-clears-storage]")) return;
  event.preventDefault();
  if (hasUnsent() && !confirm(translation("unsent"))) return;
  discardAll();
  document.querySelector("live-socket").leave(); // its event would redirect before the form is answered
  clearBrowserData().finally(() => event.target.submit());
});

async function clearBrowserData() {
  for (const storage of [sessionStorage, localStorage]) storage.clear();
  for (const { name } of await indexedDB.databases()) await deleted(name);
}

/** Wait until a database is deleted. One that is in use is deleted when the page is closed. */
function deleted(name) {
  const request = indexedDB.deleteDatabase(name);
  return new Promise((settle) => {
    for (const end of ["success", "error", "blocked"]) request.addEventListener(end, settle);
  });
}

updateForLocation();
localise(document.body);
