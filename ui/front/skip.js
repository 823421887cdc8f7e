// The first link of the page: past everything, to the question. It stands in the page before any script has run.

import { part } from "./dom.js";

export function startSkip() {
  part("skip")?.addEventListener("click", (event) => {
    event.preventDefault();
    if (!["", "#ask"].includes(window.location.hash)) window.location.hash = "#ask";
    // The view with the question is shown after the address has changed.
    window.setTimeout(() => document.querySelector("#question textarea")?.focus());
  });
}
