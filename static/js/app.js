// What every page shares: htmx's CSRF header, live parts, menus, dialogs, colours, selected rows, refused forms.
(() => {
  "use strict";
  const root = document.documentElement, find = (selector, from = document) => [...from.querySelectorAll(selector)];
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
  const SEEN_MS = 15000, HIDDEN_MS = 60000;
  let polledAt = Date.now();
  const poll = () => {
    // An open menu belongs to somebody who is choosing: do not swap it away.
    if (Date.now() - polledAt < (document.hidden ? HIDDEN_MS : SEEN_MS) - 500 || find("details.menu[open]").length) return;
    polledAt = Date.now();
    window.htmx?.trigger(document.body, "poll");
  };
  setInterval(poll, SEEN_MS);
  document.addEventListener("visibilitychange", () => document.hidden || poll());
  // What a live part says now is read aloud when it changes, and only then.
  const saidBy = () => find("[data-says]").map((part) => part.textContent.trim()).join(". ");
  let said = saidBy();
  document.addEventListener("htmx:afterSettle", () => {
    if (saidBy() !== said) document.getElementById("voice").textContent = said = saidBy();
  });

  const closeMenus = (but) => find("details.menu[open]").forEach((menu) => menu === but || (menu.open = false));
  document.addEventListener("click", (event) => closeMenus(event.target.closest("details.menu")));
  document.addEventListener("keydown", (event) => {
    const menu = event.key === "Escape" && event.target.closest("details.menu[open]");
    if (!menu) return;
    closeMenus();
    menu.querySelector("summary").focus();
  });
  on("click", "[data-opens]", (opener) => document.getElementById(opener.dataset.opens)?.showModal());
  on("click", "dialog", (dialog, event) => event.target === dialog && dialog.close());

  on("submit", "[data-theme-form]", (form, event) => {
    const { value } = event.submitter, secure = location.protocol === "https:" ? "; secure" : "";
    document.cookie = `theme=${value}; path=/; max-age=31536000; samesite=lax${secure}`;
    if (value) root.dataset.theme = value;
    else delete root.dataset.theme;
    find("button", form).forEach((button) => button.setAttribute("aria-pressed", button === event.submitter));
    event.preventDefault();
  });

  // A range and its number say the same; the number is the field that counts.
  on("input", "[data-pair] input", (input) => find("input", input.closest("[data-pair]")).forEach((other) => (other.value = input.value)));

  // One box selects the rows of its table; the bar below says how many.
  on("change", "input[data-all], input[data-row]", (box) => {
    const form = box.closest("form"), rows = find("input[data-row]", form), all = form.querySelector("input[data-all]");
    if (box === all) rows.forEach((row) => (row.checked = all.checked));
    const chosen = rows.filter((row) => row.checked).length;
    all.checked = chosen === rows.length;
    all.indeterminate = chosen > 0 && chosen < rows.length;
    find("[data-count]", form).forEach((count) => (count.textContent = chosen));
  });

  const showErrors = () => find("[data-focus]")[0]?.focus();
  document.addEventListener("htmx:afterSwap", showErrors);
  showErrors();
})();
