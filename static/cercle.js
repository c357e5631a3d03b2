// Comfort for pages that work without it: menus that close, copying, sharing, questions, two keys.
"use strict";

const words = document.body.dataset;

// Menus and definitions are details: Escape or a press elsewhere closes them
const openOnes = () => document.querySelectorAll("details.menu[open], details.define[open], details.spark-more[open]");

document.addEventListener("click", (event) => {
  for (const box of openOnes()) if (!box.contains(event.target)) box.open = false;
});

document.addEventListener("focusin", (event) => {
  for (const box of openOnes()) if (!box.contains(event.target)) box.open = false;
});

function closeMenus() {
  for (const box of openOnes()) {
    const held = box.contains(document.activeElement);
    box.open = false;
    if (held) box.querySelector("summary").focus();
  }
}

// Toasts: said once, closed by hand or after a while unless something is wrong
function toast(text, isBad = false) {
  const place = document.getElementById("toasts");
  if (!place) return;
  const box = document.createElement("div");
  box.className = isBad ? "toast show bad" : "toast show";
  box.setAttribute("role", isBad ? "alert" : "status");
  const said = document.createElement("span");
  said.textContent = text;
  const close = document.createElement("button");
  close.type = "button";
  close.className = "btn btn-sm btn-quiet";
  close.dataset.closeToast = "";
  close.textContent = words.close;
  box.append(said, close);
  place.replaceChildren(box);
  leaveLater(box);
}

function leaveLater(box) {
  if (box.getAttribute("role") === "alert") return;
  let timer = setTimeout(() => box.remove(), 8000);
  box.addEventListener("pointerenter", () => clearTimeout(timer));
  box.addEventListener("focusin", () => clearTimeout(timer));
  box.addEventListener("pointerleave", () => { timer = setTimeout(() => box.remove(), 4000); });
}

document.querySelectorAll(".toast").forEach(leaveLater);

// Copying, with the old way for pages that are not served over https
async function copy(text) {
  if (navigator.clipboard) return navigator.clipboard.writeText(text);
  const field = document.createElement("textarea");
  field.value = text;
  field.className = "visually-hidden";
  document.body.append(field);
  field.select();
  const done = document.execCommand("copy");
  field.remove();
  if (!done) throw new Error("not copied");
}

// A question that the browser opens as a popover becomes a true dialog, with the rest of the page at rest
function openDialog(dialog) {
  if (!dialog) return;
  dialog.removeAttribute("popover");
  if (!dialog.open) dialog.showModal();
}

document.querySelectorAll("[data-dialog]").forEach((button) => button.removeAttribute("popovertarget"));
document.querySelectorAll("[data-dialog-close]").forEach((button) => button.removeAttribute("popovertarget"));

document.addEventListener("click", (event) => {
  const on = event.target.closest("[data-copy], [data-share], [data-close-toast], [data-dialog], [data-dialog-close], [data-print]");
  if (!on) return;
  if ("copy" in on.dataset) {
    copy(on.dataset.copy).then(() => toast(words.copied), () => toast(words.notCopied, true));
  } else if ("share" in on.dataset) {
    navigator.share({ url: on.dataset.share, text: on.dataset.shareText || undefined }).catch(() => {});
  } else if ("closeToast" in on.dataset) {
    on.closest(".toast").remove();
  } else if ("dialogClose" in on.dataset) {
    on.closest("dialog").close();
  } else if ("dialog" in on.dataset) {
    event.preventDefault();
    closeMenus();
    openDialog(document.getElementById(on.dataset.dialog));
  } else {
    window.print();
  }
});

document.addEventListener("click", (event) => {
  const isVeil = event.target.nodeName === "DIALOG" && event.target.open;
  if (!isVeil) return;
  const box = event.target.getBoundingClientRect();
  const isInside = event.clientX >= box.left && event.clientX <= box.right && event.clientY >= box.top && event.clientY <= box.bottom;
  if (!isInside) event.target.close();
});

if (navigator.share) document.querySelectorAll("[data-share]").forEach((button) => { button.hidden = false; });

// A form is sent once, however often its button is pressed
document.addEventListener("submit", (event) => {
  const form = event.target;
  if (form.method !== "post" || event.defaultPrevented) return;
  if (form.dataset.sent) event.preventDefault();
  form.dataset.sent = "yes";
});

window.addEventListener("pageshow", () => document.querySelectorAll("form[data-sent]").forEach((form) => delete form.dataset.sent));

// Single keys can be switched off on this device (WCAG 2.1.4)
const keysOn = document.getElementById("keys-on");
const remembered = (() => { try { return localStorage; } catch { return null; } })();
const keysAreOn = () => !remembered || remembered.getItem("keys") !== "off";
if (keysOn) {
  keysOn.checked = keysAreOn();
  keysOn.addEventListener("change", () => { if (remembered) remembered.setItem("keys", keysOn.checked ? "on" : "off"); });
}

// Keys: Escape closes, / searches, ? shows the keys; never while somebody writes
document.addEventListener("keydown", (event) => {
  if (event.key === "Escape") return closeMenus();
  if (!keysAreOn() || event.ctrlKey || event.metaKey || event.altKey || event.target.closest("input, textarea, select, [contenteditable], dialog")) return;
  if (event.key === "/") {
    const search = document.getElementById("search");
    if (search) { event.preventDefault(); search.focus(); search.select(); }
  } else if (event.key === "?") {
    openDialog(document.getElementById("keys"));
  }
});

// Long charts and tables print open
let opened = [];
window.addEventListener("beforeprint", () => {
  opened = [...document.querySelectorAll("details.as-table:not([open])")];
  for (const box of opened) box.open = true;
});
window.addEventListener("afterprint", () => { for (const box of opened) box.open = false; });

const summary = document.querySelector("[data-focus]");
if (summary) summary.focus();
