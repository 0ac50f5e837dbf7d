// The week: one tab stop, arrows move, Shift+arrows paint, Space switches, a day's name switches the day,
// a mouse drags. Touch scrolls and taps. Without this file it is a form of 168 checkboxes.
// A partly open hour ("5-22-6": quarters as a hex digit) keeps its quarters until it is changed.
(() => {
  "use strict";
  const narrow = matchMedia("(max-width: 719px)");

  const start = (week) => {
    const cells = [...week.querySelectorAll(".cell")];
    const at = (day, hour) => cells[((day + 7) % 7) * 24 + ((hour + 24) % 24)];
    const set = (cell, open) => {
      if (cell.checked === open && !(open && cell.dataset.quarters)) return;
      if (cell.dataset.quarters) {
        cell.value = cell.value.replace(/[0-9a-f]$/, "f");
        delete cell.dataset.quarters;
        cell.setAttribute("aria-label", cell.dataset.hour);
      }
      cell.checked = open;
    };
    const say = () => {
      const total = document.getElementById(week.dataset.total);
      const hours = cells.reduce((sum, cell) => sum + (cell.checked ? count(cell.value) / 4 : 0), 0);
      if (total) total.textContent = total.dataset.text.replace("{}", hours.toLocaleString(document.documentElement.lang));
    };
    const count = (value) => [...parseInt(value.slice(-1), 16).toString(2)].filter((bit) => bit === "1").length;
    const changed = () => {
      say();
      week.dispatchEvent(new CustomEvent("rulesPainted", { bubbles: true }));
    };
    const rove = (cell) => {
      cells.forEach((other) => (other.tabIndex = other === cell ? 0 : -1));
      return cell;
    };
    rove(cells[0]);

    week.addEventListener("keydown", (event) => {
      const index = cells.indexOf(event.target);
      if (index < 0) return;
      const day = Math.floor(index / 24), hour = index % 24, turned = narrow.matches;
      const step = { ArrowRight: [0, 1], ArrowLeft: [0, -1], ArrowDown: [1, 0], ArrowUp: [-1, 0] }[event.key];
      const edge = { Home: 0, End: 23 }[event.key];
      if (!step && edge === undefined) return;
      const [days, hours] = step && turned ? [step[1], step[0]] : step || [0, edge - hour];
      const next = rove(at(day + days, hour + hours));
      next.focus();
      if (event.shiftKey && step) {
        set(next, event.target.checked);
        changed();
      }
      event.preventDefault();
    });

    let paint = null;
    week.addEventListener("pointerdown", (event) => {
      const cell = event.target.closest(".slot")?.querySelector(".cell");
      if (!cell || event.pointerType === "touch" || event.button) return;
      paint = !cell.checked;
      set(cell, paint);
      rove(cell).focus();
      event.preventDefault();
    });
    week.addEventListener("pointerover", (event) => {
      const cell = paint !== null && event.target.closest(".slot")?.querySelector(".cell");
      if (cell) set(cell, paint);
    });
    addEventListener("pointerup", () => {
      if (paint === null) return;
      paint = null;
      changed();
    });
    week.addEventListener("click", (event) => {
      const name = event.target.closest("[data-day]");
      if (event.target.matches(".cell") && event.detail && event.pointerType === "mouse") event.preventDefault();
      if (!name) return;
      const row = cells.slice(name.dataset.day * 24, name.dataset.day * 24 + 24), open = !row.every((cell) => cell.checked);
      row.forEach((cell) => set(cell, open));
      changed();
    });
    week.addEventListener("change", (event) => {
      const open = event.target.checked;
      event.target.checked = !open;
      set(event.target, open);
      changed();
    });
    document.querySelectorAll(`[data-fills="${week.id}"]`).forEach((chip) =>
      chip.addEventListener("click", () => {
        cells.forEach((cell, index) => set(cell, chip.dataset.hours[index] === "1"));
        changed();
      }));
  };
  document.querySelectorAll(".week:not([aria-readonly])").forEach(start);
})();
