// What every page shares: the CSRF header of htmx, live parts, menus, dialogs, colours, bulk selection.
// Nothing here is needed to use a page; each part makes a working page quicker.
(() => {
  "use strict";
  const root = document.documentElement;
  const on = (type, selector, act) =>
    document.addEventListener(type, (event) => {
      const found = event.target.closest?.(selector);
      if (found) act(found, event);
    });

  document.addEventListener("htmx:configRequest", (event) => {
    const token = document.querySelector('meta[name="csrf-token"]');
    if (token) event.detail.headers["X-CSRFToken"] = token.content;
  });

  // Live parts say hx-trigger="poll from:body": every 15 s while the page is seen, every 60 s otherwise.
  const POLL_SEEN_MS = 15000, POLL_HIDDEN_MS = 60000;
  let polledAt = Date.now();
  const poll = () => {
    const due = document.hidden ? POLL_HIDDEN_MS : POLL_SEEN_MS;
    // An open menu belongs to somebody who is choosing: do not swap it away.
    if (Date.now() - polledAt < due - 500 || document.querySelector("details.menu[open]")) return;
    polledAt = Date.now();
    window.htmx?.trigger(document.body, "poll");
  };
  setInterval(poll, POLL_SEEN_MS);
  document.addEventListener("visibilitychange", () => document.hidden || poll());

  const closeMenus = (but) =>
    document.querySelectorAll("details.menu[open]").forEach((menu) => menu === but || (menu.open = false));
  document.addEventListener("click", (event) => closeMenus(event.target.closest("details.menu")));
  document.addEventListener("keydown", (event) => {
    const menu = event.key === "Escape" && event.target.closest("details.menu[open]");
    if (!menu) return;
    menu.open = false;
    menu.querySelector("summary").focus();
  });

  on("click", "[data-opens]", (opener) => document.getElementById(opener.dataset.opens)?.showModal());
  on("click", "dialog", (dialog, event) => event.target === dialog && dialog.close());

  on("submit", "[data-theme-form]", (form, event) => {
    const { value } = event.submitter;
    const secure = location.protocol === "https:" ? "; secure" : "";
    document.cookie = `theme=${value}; path=/; max-age=31536000; samesite=lax${secure}`;
    if (value) root.dataset.theme = value;
    else delete root.dataset.theme;
    form.querySelectorAll("button").forEach((button) => button.setAttribute("aria-pressed", button === event.submitter));
    event.preventDefault();
  });

  // A range and its number say the same; the number is the field that counts.
  on("input", "[data-pair] input", (input) => {
    input.closest("[data-pair]").querySelectorAll("input").forEach((other) => other === input || (other.value = input.value));
  });

  // One box selects the rows of its table; the bar below says how many.
  const countSelected = (form) => {
    const boxes = [...form.querySelectorAll("input[data-row]")], chosen = boxes.filter((box) => box.checked).length;
    const all = form.querySelector("input[data-all]"), bar = form.querySelector("[data-bulk]");
    if (all) Object.assign(all, { checked: chosen > 0 && chosen === boxes.length, indeterminate: chosen > 0 && chosen < boxes.length });
    if (bar) bar.querySelector("[data-count]").textContent = chosen;
  };
  on("change", "input[data-all]", (all) => {
    const form = all.closest("form, [data-rows]");
    form.querySelectorAll("input[data-row]").forEach((box) => (box.checked = all.checked));
    countSelected(form);
  });
  on("change", "input[data-row]", (box) => countSelected(box.closest("form, [data-rows]")));

  const showErrors = (within) => within.querySelector("[data-focus]")?.focus();
  document.addEventListener("htmx:afterSwap", (event) => showErrors(event.target));
  showErrors(document);
})();
