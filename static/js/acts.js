/** Forms whose answer is heard like live news (`data-live`), and the same without a form. */
import { detailOf, request } from "./fragments.js";
import { hear } from "./hearing.js";
import { say } from "./toast-line.js";

/** Whether the server has done it; if not, its reason has been said. */
export async function act(url, fields) {
  try {
    const body = new URLSearchParams(fields);
    const response = await request(url, { method: "POST", body, headers: { "X-CSRFToken": token() } });
    const html = await response.text();
    if (response.ok) hear(html);
    else say(detailOf(html) ?? "failed");
    return response.ok;
  } catch {
    say("failed");
    return false;
  }
}

/** Read each time: signing in elsewhere changes it. */
export function token() {
  return document.cookie.match(/(?:^|; )csrftoken=([^;]+)/)?.[1] ?? "";
}

document.addEventListener("submit", async (event) => {
  const { target: form, submitter } = event;
  if (!form.matches("[data-live]")) return;
  event.preventDefault();
  event.stopPropagation();
  const fields = new FormData(form);
  if (submitter?.name) fields.append(submitter.name, submitter.value);
  const isDone = await act(submitter?.getAttribute("formaction") ?? form.action, fields);
  if (isDone) form.dispatchEvent(new CustomEvent("act-done", { bubbles: true }));
}, { capture: true });
