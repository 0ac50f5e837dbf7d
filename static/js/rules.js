// The editor of rules, beside its week: what the draft's summary says about the grid, and limits that are meant.
(() => {
  "use strict";
  // Hours that charging needs are hatched anew whenever the summary comes.
  document.addEventListener("htmx:afterSettle", () => {
    const said = document.querySelector("[data-keeps]"), week = document.getElementById(said?.dataset.keeps);
    if (!week) return;
    const kept = new Set(said.dataset.hours.split(" "));
    week.querySelectorAll(".cell").forEach((cell, index) => {
      const isKept = kept.has(`${Math.floor(index / 24)}-${index % 24}`), label = cell.getAttribute("aria-label").replace(week.dataset.kept, "");
      cell.classList.toggle("reserved", isKept);
      cell.setAttribute("aria-label", isKept ? label + week.dataset.kept : label);
    });
  });

  // A limit that is typed or dragged is meant, so its switch goes on.
  document.addEventListener("input", ({ target }) => {
    const limit = target.closest("[data-pair]") && target.closest("[data-limit]");
    if (limit) limit.querySelector("[role=switch]").checked = true;
  });
})();
