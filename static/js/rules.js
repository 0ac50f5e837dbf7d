// The editor of rules, beside its week: what the draft's summary says about the grid, lines, and limits that are meant.
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

  // Who added a line goes on in it, who dropped one at the button that adds: neither begins at the top again.
  document.addEventListener("htmx:afterSettle", ({ detail }) => {
    const pressed = detail.requestConfig?.elt;
    if (pressed?.name !== "lines") return;
    const part = document.querySelector(pressed.getAttribute("hx-target"));
    const added = pressed.value.startsWith("add:") && part.querySelector(".lines li:last-child :is(select, input)");
    (added || part.querySelector("[id$='-add']"))?.focus();
  });

  // Back from another page the browser puts what was typed back without a word: the figures beside it are of before.
  addEventListener("pageshow", () => {
    const fields = [...(document.getElementById("rules-form")?.elements ?? [])].filter((field) => field.type !== "hidden" && "defaultValue" in field);
    const isTyped = (field) => (/checkbox|radio/.test(field.type) ? field.checked !== field.defaultChecked : field.value !== field.defaultValue);
    // One of the hours counts the week anew as well.
    [fields.find(isTyped), fields.find((field) => field.matches(".cell") && isTyped(field))].forEach((field) => field?.dispatchEvent(new Event("change", { bubbles: true })));
  });

  // A limit that is typed or dragged is meant, so its switch goes on.
  document.addEventListener("input", ({ target }) => {
    const limit = target.closest("[data-pair]") && target.closest("[data-limit]");
    if (limit) limit.querySelector("[role=switch]").checked = true;
  });
})();
