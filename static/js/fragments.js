/** Server-rendered fragments: parsing them and asking for them. */

const PATIENCE_MS = 20_000; // a connection that died silently answers never

/** The root elements of some HTML that came from our own server. */
export function parse(html) {
  const template = document.createElement("template");
  template.innerHTML = html;
  return [...template.content.children];
}

/** Like fetch, asking for a fragment; whoever is signed out meanwhile is led to the login page. */
export async function request(url, options = {}) {
  const headers = { Accept: "text/html", "HX-Request": "true", ...options.headers };
  const response = await fetch(url, { ...options, headers, signal: AbortSignal.timeout(PATIENCE_MS) });
  if (response.redirected && new URL(response.url).pathname === loginPath()) {
    leadToLogin();
    throw new Error("signed out");
  }
  return response;
}

/** And then back to this page: what was asked for may have been a part of it, or no page at all. */
export function leadToLogin() {
  location.assign(`${loginPath()}?next=${encodeURIComponent(location.pathname + location.search)}`);
}

/** The root of the fragment at `url`; throws when there is none. */
export async function fetchFragment(url, headers = {}) {
  const response = await request(url, { headers });
  if (!response.ok) throw new Error(`${url} answered ${response.status}`);
  return parse(await response.text()).at(0);
}

/** What an error page says went wrong. */
export function detailOf(html) {
  return new DOMParser().parseFromString(html, "text/html").querySelector("[data-detail], .field__error, .notice--error")?.textContent.trim();
}

export function mold(id) {
  return document.getElementById(id).content.firstElementChild.cloneNode(true);
}

export function loginPath() {
  return document.querySelector("live-socket")?.dataset.login;
}
