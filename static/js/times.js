/** Times in the reader's time zone and language. The server writes UTC into <time datetime>. */
const MINUTE_MS = 60_000;
const DAY_MS = 86_400_000;
const language = document.documentElement.lang;
const locale = navigator.languages.find((tag) => tag.startsWith(language)) ?? language;

const { hour12 } = new Intl.DateTimeFormat(locale, { hour: "numeric" }).resolvedOptions();
const clock = new Intl.DateTimeFormat(locale, { hour: hour12 ? "numeric" : "2-digit", minute: "2-digit" }); // 9:05 am or 09:05
const weekday = new Intl.DateTimeFormat(locale, { weekday: "long" });
const shortDate = new Intl.DateTimeFormat(locale, { dateStyle: "short" });
const longDate = new Intl.DateTimeFormat(locale, { day: "numeric", month: "long", year: "numeric" });
const moment = new Intl.DateTimeFormat(locale, { dateStyle: "medium", timeStyle: "short" });
const nearDay = new Intl.RelativeTimeFormat(locale, { numeric: "auto" });

// The server interprets the days of search filters in this time zone.
const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
if (zone) document.cookie = `tz=${zone};path=/;max-age=31536000;samesite=lax${location.protocol === "https:" ? ";secure" : ""}`;

const STYLES = {
  time: (date) => clock.format(date),
  recent: (date) => (daysAgo(date) === 0 ? clock.format(date) : nameOfDay(date, shortDate)),
  moment: (date) => moment.format(date),
  day: (date) => nameOfDay(date),
};

/** Rewrite every <time> in or at `root`. */
export function localise(root) {
  const times = root.matches?.("time") ? [root] : root.querySelectorAll("time[datetime]");
  for (const time of times) showTime(time, new Date(time.dateTime));
}

export function showTime(time, date) {
  const shown = STYLES[time.dataset.style ?? "time"](date);
  time.dateTime = date.toISOString();
  time.title = moment.format(date);
  if (time.textContent !== shown) time.textContent = shown; // screen readers react to every change
}

/** Return “today”, “yesterday”, “Tuesday” or “3 March 2026”. */
export function nameOfDay(date, further = longDate) {
  const days = daysAgo(date);
  if (days < 2) return nearDay.format(-days, "day");
  return days < 7 ? weekday.format(date) : further.format(date);
}

/** Return “09:30” or “yesterday, 09:30”. */
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

/** Rewrite all times after midnight, when “today” becomes “yesterday”. */
let today = new Date();
setInterval(() => {
  if (isSameDay(today, new Date())) return;
  today = new Date();
  localise(document);
}, MINUTE_MS);
