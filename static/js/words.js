/** What the page itself says, in its reader's language; live fragments come in one language for everybody. */
const words = document.getElementById("words").content;

export function word(name) {
  return words.querySelector(`[value="${name}"]`)?.textContent;
}

/** Says what is in `root` in the page's own words, if it has any; who did what stands beside it. */
export function translate(root) {
  for (const element of root.querySelectorAll("[data-word]")) {
    const { word: name, ...parts } = element.dataset;
    const said = word(name) ?? element.textContent;
    element.textContent = said.replace(/%\((\w+)\)s/g, (_, part) => parts[part]);
  }
}
