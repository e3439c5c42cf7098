/** Who is here: asks about the people on screen, and shows it wherever an element names them. */
import { tell } from "./hearing.js";

const GATHER_MS = 300;
const known = new Map();
let watched = "";
let timer;

/** What is known of somebody: `{online, lastSeen}`, or nothing. */
export function presenceOf(user) {
  return known.get(user);
}

document.addEventListener("live-presence", ({ detail }) => {
  const { user, online, lastSeen } = detail.dataset;
  known.set(user, { online: online !== undefined, lastSeen });
  show();
});

function show() {
  for (const mark of document.querySelectorAll("[data-present]")) mark.hidden = !known.get(mark.dataset.present)?.online;
  tell("presence-changed");
}

/** The server forgets with the socket whom we watch. */
function watch({ afresh = false } = {}) {
  timer = undefined;
  const people = [...document.querySelectorAll("[data-watch]")].map(({ dataset }) => dataset.watch);
  const users = [...new Set(people)].sort();
  if (!users.length || (!afresh && users.join() === watched)) return;
  const isSent = document.querySelector("live-socket").send({ type: "watch", users });
  watched = isSent ? users.join() : "";
}

function watchSoon() {
  show();
  timer ??= setTimeout(watch, GATHER_MS);
}

document.addEventListener("live-ready", () => {
  known.clear(); // perhaps we hide since, and see nobody any more
  watch({ afresh: true });
});
for (const change of ["list-changed", "htmx:load", "bar-changed"]) document.addEventListener(change, watchSoon);
