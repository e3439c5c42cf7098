/** The presence of users: subscribes to those on the page and shows it at every element that names them. */
import { dispatch } from "./fragments.js";

const DELAY_MS = 300;
const known = new Map();
let watched = "";
let timer;

/** Return `{online, lastSeen}` of a user, or undefined. */
export function presenceOf(user) {
  return known.get(user);
}

document.addEventListener("live-presence", ({ detail }) => {
  const { user, online, lastSeen } = detail.dataset;
  known.set(user, { online: online !== undefined, lastSeen });
  show();
});

function show() {
  for (const indicator of document.querySelectorAll("[data-present]")) indicator.hidden = !known.get(indicator.dataset.present)?.online;
  dispatch("presence-changed");
}

/** Subscribe to the users on the page. The server forgets the subscription when the socket closes. */
function watch({ isReconnected = false } = {}) {
  timer = undefined;
  const people = [...document.querySelectorAll("[data-watch]")].map(({ dataset }) => dataset.watch);
  const users = [...new Set(people)].sort();
  if (!users.length || (!isReconnected && users.join() === watched)) return;
  const isSent = document.querySelector("live-socket").send({ type: "watch", users });
  watched = isSent ? users.join() : "";
}

function watchSoon() {
  show();
  timer ??= setTimeout(watch, DELAY_MS);
}

/** Presence is unknown without a connection. */
document.addEventListener("connection-unavailable", () => {
  known.clear();
  show();
});

document.addEventListener("live-ready", () => {
  known.clear(); // the privacy settings may have changed
  watch({ isReconnected: true });
});
for (const change of ["list-changed", "htmx:load", "bar-changed"]) document.addEventListener(change, watchSoon);
