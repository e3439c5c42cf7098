/** Requests to our own server, the HTML fragments it answers with, and the events made from them. */
import { translate } from "./translations.js";

const TIMEOUT_MS = 20_000; // a connection that was lost silently never answers

/**
 * Return the root elements of HTML that came from our own server.
 * @param {string} html
 * @returns {HTMLElement[]}
 */
export function parse(html) {
  const template = document.createElement("template");
  template.innerHTML = html;
  return /** @type {HTMLElement[]} */ ([...template.content.children]);
}

/** Fetch a fragment. Go to the login page if this page's user is not logged in any more. */
export async function request(url, options = {}) {
  const headers = { Accept: "text/html", "HX-Request": "true", ...pageUser(), ...options.headers };
  const timeout = AbortSignal.timeout(TIMEOUT_MS);
  const signal = options.signal ? AbortSignal.any([options.signal, timeout]) : timeout;
  const response = await fetch(url, { ...options, headers, signal });
  const isSignedOut = response.redirected && new URL(response.url).pathname === loginPath();
  if (isSignedOut || isForOtherUser(response)) {
    goToLogin();
    throw new Error("signed out");
  }
  return response;
}

/** Name the user this page was rendered for: another user may have logged in since. */
export function pageUser() {
  return { "X-ChatFlow-User": document.body.dataset.user };
}

/** Return whether the server refused the request because another user is logged in. */
export function isForOtherUser(response) {
  return response.headers.has("HX-Redirect");
}

/** The login page leads back to this page, not to `url`, which may be a fragment. */
export function goToLogin() {
  leave(`${loginPath()}?next=${encodeURIComponent(location.pathname + location.search)}`);
}

/** Go to another document without asking whether to leave this one. */
export function leave(url) {
  document.dispatchEvent(new Event("leaving"));
  location.assign(url);
}

/** Return the root of the fragment at `url`. Throws if the request fails. */
export async function fetchFragment(url, headers = {}) {
  const response = await request(url, { headers });
  if (!response.ok) throw new Error(`${url} answered ${response.status}`);
  return parse(await response.text()).at(0);
}

/** Return the error message of an error page or a form. */
export function detailOf(html) {
  return new DOMParser().parseFromString(html, "text/html").querySelector("[data-detail], .field__error, .notice--error")?.textContent.trim();
}

export function cloneTemplate(id) {
  return document.getElementById(id).content.firstElementChild.cloneNode(true);
}

export function loginPath() {
  return document.querySelector("live-socket")?.dataset.login;
}

/**
 * Dispatch an event on the document for each root element: `live-message` for an article, otherwise the name of the
 * element. Fragments come from the socket or as the answer to a form.
 */
export function dispatchFragments(html) {
  for (const root of parse(html)) {
    translate(root);
    dispatch(root.localName === "article" ? "live-message" : root.localName, root);
  }
}

export function dispatch(name, detail) {
  document.dispatchEvent(new CustomEvent(name, { detail }));
}
