/** A page for modules that are imported without a browser. Import it before them. */
import { JSDOM } from "jsdom";

export const ME = "11111111-1111-1111-1111-111111111111";

const { window } = new JSDOM(
  `<html lang="en"><body data-user="${ME}"><template id="translations">
    <data value="you">You</data><data value="read">Read</data><data value="delivered">Delivered</data>
    <data value="sent">Sent</data><data value="sending">Sending…</data></template></body></html>`,
  { url: "https://chat.example/" },
);
window.matchMedia = () => ({ matches: false, addEventListener() {} });

const NAMES = ["AbortController", "AbortSignal", "document", "CustomEvent", "DOMParser", "Event", "EventTarget", "HTMLElement", "customElements", "history", "localStorage", "location", "navigator", "sessionStorage"];
for (const name of NAMES) Object.defineProperty(globalThis, name, { value: window[name], configurable: true });
globalThis.addEventListener = window.addEventListener.bind(window);
globalThis.matchMedia = window.matchMedia;

// A timer that never ends must not keep the test process running.
const startInterval = globalThis.setInterval;
globalThis.setInterval = (...args) => startInterval(...args).unref();
AbortSignal.timeout = () => new AbortController().signal;

/** Requests of the modules. Each test decides how they are answered. */
export const server = { requests: [], answer: () => ({ ok: true, status: 200, text: "" }) };

globalThis.fetch = async (url, { body } = {}) => {
  const sent = new URLSearchParams(body);
  const lists = Object.fromEntries([...sent.keys()].map((name) => [name, sent.getAll(name)]));
  server.requests.push({ url: String(url), fields: Object.fromEntries(sent), lists });
  const { text = "", status = 200, ok = status < 400, headers = {} } = await server.answer(String(url));
  return { ok, status, url: String(url), redirected: false, statusText: "", headers: new Headers(headers), text: async () => text };
};

/** Add interface texts by their names. */
export function addTranslations(texts) {
  const data = Object.entries(texts).map(([name, text]) => Object.assign(document.createElement("data"), { value: name, textContent: text }));
  document.getElementById("translations").content.append(...data);
}

/** Wait until all promises that can be resolved are resolved. */
export function settled() {
  return new Promise((resolve) => setTimeout(resolve, 20));
}

export function element(html) {
  const template = document.createElement("template");
  template.innerHTML = html;
  return template.content.firstElementChild;
}
