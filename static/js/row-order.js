/** Where a row stands in the list: pinned ones first, then by their newest activity. */
export function insertInOrder(rows, row) {
  const isPinned = "pinned" in row.dataset;
  const follows = (other) => {
    if (other === row || !other.dataset.active) return false;
    if (isPinned !== "pinned" in other.dataset) return isPinned;
    return !(other.dataset.active > row.dataset.active);
  };
  const below = [...rows.children].find(follows) ?? rows.querySelector("#more-rows");
  if (row.parentElement !== rows || row.nextElementSibling !== below) rows.insertBefore(row, below);
}
