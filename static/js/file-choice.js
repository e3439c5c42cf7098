/** Check which files can be attached to a message, and explain why others are refused. */
import { interpolateAsText, translation } from "./translations.js";

export const MOST_FILES = 10; // of one message

const UNITS = ["B", "kB", "MB", "GB"];
const STEP = 1024;

/** Return the files that can be added to `count` others, and a complaint about the rest or null. */
export function chooseFiles(files, { count, limit }) {
  const fitting = files.filter(({ size }) => size > 0 && size <= limit);
  const accepted = fitting.slice(0, MOST_FILES - count);
  return { accepted, complaint: complaintAbout(files, { accepted, fitting, limit }) };
}

function complaintAbout(files, { accepted, fitting, limit }) {
  const tooLarge = files.find(({ size }) => size > limit);
  const empty = files.find(({ size }) => size === 0);
  if (tooLarge) return say("file_too_large", { name: tooLarge.name, limit: formatSize(limit) });
  if (empty) return say("file_empty", { name: empty.name });
  return accepted.length < fitting.length ? say("too_many_files", { limit: MOST_FILES }) : null;
}

function say(name, parts) {
  return interpolateAsText(translation(name), parts);
}

/** Return a size in the reader's language, such as “1.4 MB”, as the server writes it. */
export function formatSize(bytes) {
  const power = Math.min(UNITS.length - 1, Math.floor(Math.log(bytes || 1) / Math.log(STEP)));
  const options = { maximumFractionDigits: power > 1 ? 1 : 0, useGrouping: false };
  return `${(bytes / STEP ** power).toLocaleString(document.documentElement.lang, options)}\u00a0${UNITS[power]}`;
}

/** Return a duration as “1:05”. */
export function formatDuration(seconds) {
  const whole = Math.max(0, Math.round(seconds));
  const [minutes, rest] = [Math.floor(whole / 60), whole % 60];
  return `${minutes}:${String(rest).padStart(2, "0")}`;
}
