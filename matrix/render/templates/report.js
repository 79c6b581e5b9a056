// Filtering of long tables by the names of their rows. The page says everything without it.
for (const region of document.querySelectorAll("[data-filter]")) {
  const rows = [...region.querySelectorAll("tbody tr")].map((row) => ({
    row, names: [...row.querySelectorAll("th .name")],
  }));
  const total = rows.reduce((sum, { names }) => sum + names.length, 0);
  if (total < 12) continue;
  const label = document.createElement("label");
  const input = document.createElement("input");
  const count = document.createElement("output");
  label.className = "filter";
  input.type = "search";
  input.placeholder = "part of a name";
  label.append(`Filter by ${region.dataset.filter}`, input, count);
  region.before(label);
  input.addEventListener("input", () => {
    const words = input.value.toLowerCase().split(/\s+/).filter(Boolean);
    let hits = 0;
    for (const { row, names } of rows) {
      if (!names.length) continue;
      let shown = false;
      for (const name of names) {
        const text = name.textContent.toLowerCase();
        const hit = words.every((word) => text.includes(word));
        name.classList.toggle("hit", hit && words.length > 0);
        shown ||= hit;
        hits += hit;
      }
      row.hidden = !shown;
    }
    count.textContent = words.length ? `${hits} of ${total}` : "";
  });
}
