// The week: one tab stop, arrows move, Shift+arrows paint, Space switches, a day's name switches the day,
// a mouse drags. Touch scrolls and taps. Without this file it is a form of 168 checkboxes.
// A partly open hour ("5-22-6": quarters as a hex digit) keeps its quarters until it is changed.
(() => {
  "use strict";
  const narrow = matchMedia("(max-width: 719px)");
  const countQuarters = (cell) => [1, 2, 4, 8].filter((bit) => parseInt(cell.value.slice(-1), 16) & bit).length;

  const start = (week) => {
    const cells = [...week.querySelectorAll(".cell")], total = document.getElementById(week.dataset.total);
    const set = (cell, open) => {
      if (cell.dataset.quarters) {
        cell.value = cell.value.replace(/.$/, "f");
        cell.setAttribute("aria-label", cell.dataset.hour);
        delete cell.dataset.quarters;
      }
      cell.checked = open;
    };
    const changed = () => {
      const hours = cells.reduce((sum, cell) => sum + (cell.checked ? countQuarters(cell) / 4 : 0), 0);
      if (total) total.textContent = total.dataset.text.replace("{}", hours.toLocaleString(document.documentElement.lang));
      week.dispatchEvent(new CustomEvent("rulesPainted", { bubbles: true }));
    };
    const rove = (cell) => {
      cells.forEach((other) => (other.tabIndex = other === cell ? 0 : -1));
      return cell;
    };
    rove(cells[0]);

    week.addEventListener("keydown", (event) => {
      const index = cells.indexOf(event.target), day = Math.floor(index / 24), hour = index % 24;
      const step = { ArrowRight: [0, 1], ArrowLeft: [0, -1], ArrowDown: [1, 0], ArrowUp: [-1, 0] }[event.key];
      const edge = { Home: 0, End: 23 }[event.key];
      if (index < 0 || (!step && edge === undefined)) return;
      // On a phone the grid is turned, so an arrow still goes where it points.
      const [days, hours] = !step ? [0, edge - hour] : narrow.matches ? [step[1], step[0]] : step;
      const next = rove(cells[((day + days + 7) % 7) * 24 + ((hour + hours + 24) % 24)]);
      next.focus();
      event.preventDefault();
      if (!event.shiftKey || !step) return;
      set(next, event.target.checked);
      changed();
    });

    let paint = null;
    const cellUnder = (event) => event.target.closest(".slot")?.firstElementChild;
    week.addEventListener("pointerdown", (event) => {
      const cell = cellUnder(event);
      if (!cell || event.pointerType === "touch" || event.button) return;
      paint = !cell.checked;
      set(cell, paint);
      rove(cell).focus();
      event.preventDefault();
    });
    week.addEventListener("pointerover", (event) => paint !== null && cellUnder(event) && set(cellUnder(event), paint));
    addEventListener("pointerup", () => {
      if (paint !== null) changed();
      paint = null;
    });
    week.addEventListener("click", (event) => {
      // The press has painted already; the click that follows must not switch back.
      if (event.target.matches(".cell") && event.pointerType === "mouse") event.preventDefault();
      const name = event.target.closest("[data-day]");
      if (!name) return;
      const day = cells.slice(name.dataset.day * 24, name.dataset.day * 24 + 24), open = !day.every((cell) => cell.checked);
      day.forEach((cell) => set(cell, open));
      changed();
    });
    week.addEventListener("change", (event) => {
      set(event.target, event.target.checked);
      changed();
    });
    document.addEventListener("click", ({ target }) => {
      const chip = target.closest(`[data-fills="${week.id}"]`);
      if (chip) cells.forEach((cell, index) => set(cell, chip.dataset.hours[index] === "1"));
      if (chip) changed();
    });
  };
  document.querySelectorAll(".week:not([aria-readonly])").forEach(start);
})();
