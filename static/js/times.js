/** Times as the reader's clock and language have them. The server writes UTC into <time datetime>. */
const MINUTE_MS = 60_000;
const DAY_MS = 86_400_000;
const language = document.documentElement.lang;
const locale = navigator.languages.find((tag) => tag.startsWith(language)) ?? language;

const clock = new Intl.DateTimeFormat(locale, { hour: "numeric", minute: "2-digit" });
const weekday = new Intl.DateTimeFormat(locale, { weekday: "long" });
const shortDate = new Intl.DateTimeFormat(locale, { dateStyle: "short" });
const longDate = new Intl.DateTimeFormat(locale, { day: "numeric", month: "long", year: "numeric" });
const moment = new Intl.DateTimeFormat(locale, { dateStyle: "medium", timeStyle: "short" });
const nearDay = new Intl.RelativeTimeFormat(locale, { numeric: "auto" });

const STYLES = {
  time: (date) => clock.format(date),
  recent: (date) => (daysAgo(date) === 0 ? clock.format(date) : nameOfDay(date, shortDate)),
  moment: (date) => moment.format(date),
  day: (date) => nameOfDay(date),
};

/** Rewrites every <time> in or at `root`. */
export function localise(root) {
  const times = root.matches?.("time") ? [root] : root.querySelectorAll("time[datetime]");
  for (const time of times) showTime(time, new Date(time.dateTime));
}

export function showTime(time, date) {
  time.dateTime = date.toISOString();
  time.textContent = STYLES[time.dataset.style ?? "time"](date);
  time.title = moment.format(date);
}

/** “today”, “yesterday”, “Tuesday”, “3 March 2026”. */
export function nameOfDay(date, further = longDate) {
  const days = daysAgo(date);
  if (days < 2) return nearDay.format(-days, "day");
  return days < 7 ? weekday.format(date) : further.format(date);
}

/** “yesterday, 09:30” */
export function nameOfMoment(date) {
  const time = clock.format(date);
  return daysAgo(date) === 0 ? time : `${nameOfDay(date)}, ${time}`;
}

export function isSameDay(one, other) {
  return one.toDateString() === other.toDateString();
}

function daysAgo(date) {
  const midnight = (day) => new Date(day).setHours(0, 0, 0, 0);
  return Math.max(0, Math.round((midnight(Date.now()) - midnight(date)) / DAY_MS));
}

/** At midnight “today” becomes “yesterday”, wherever it stands. */
let today = new Date();
setInterval(() => {
  if (isSameDay(today, new Date())) return;
  today = new Date();
  localise(document);
}, MINUTE_MS);
