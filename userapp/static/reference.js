// Searching the page at /docs. Without this script the page is all there, only longer.
const form = document.querySelector("[data-reference]");
if (form) {
  const field = form.querySelector("input");
  const status = form.querySelector("[role=status]");
  const operations = [...document.querySelectorAll(".operation")];
  const rows = [...document.querySelectorAll("[data-row]")];
  const texts = new Map([...operations, ...rows].map((part) => [part, part.textContent.toLowerCase()]));

  const search = () => {
    const words = field.value.toLowerCase().split(/\s+/).filter(Boolean);
    const fits = (part) => words.every((word) => texts.get(part).includes(word));
    let count = 0;
    for (const part of operations) {
      part.hidden = !fits(part);
      count += part.hidden ? 0 : 1;
      const entry = document.querySelector(`[data-entry="${part.id}"]`);
      if (entry) entry.hidden = part.hidden;
    }
    for (const row of rows) row.hidden = !fits(row);
    for (const group of document.querySelectorAll(".group")) {
      group.hidden = !group.querySelector(".operation:not([hidden])");
    }
    status.textContent = words.length ? `${count} / ${operations.length}` : "";
  };

  form.hidden = false;
  form.addEventListener("submit", (event) => event.preventDefault());
  field.addEventListener("input", search);
  document.addEventListener("keydown", (event) => {
    if (event.key === "/" && !event.ctrlKey && !event.metaKey && !/^(INPUT|TEXTAREA|SELECT)$/.test(event.target.tagName)) {
      event.preventDefault();
      field.focus();
    }
  });
}
