// Evaluations: question sets, runs, their figures and questions. The address says which part is shown:
// #evaluate, #evaluate/RUN, #evaluate/RUN/questions, #evaluate/compare/A/B.

import { currentView, onView } from "./views.js";
import { element, t } from "./dom.js";
import { showHome } from "./evaluate_home.js";
import { showRun } from "./evaluate_run.js";
import { showComparison } from "./evaluate_compare.js";

const AGAIN_MS = 1000; // how often a run that goes on is looked at

let shown = null; // the address that is shown
let turn = 0; // counts what was shown, so that a slow reply cannot replace something newer
let view = null;

// What a part of the view is given: `isCurrent` says whether it is still shown, `again` looks once more in a second.
function stage() {
  const mine = ++turn;
  const isCurrent = () => mine === turn && currentView() === "evaluate";
  return {
    isCurrent,
    again: (look) => setTimeout(() => isCurrent() && look(), AGAIN_MS),
    refresh: () => show(true),
  };
}

async function show(anew) {
  const address = window.location.hash;
  if (!anew && shown === address) return;
  const before = shown;
  shown = address;
  const here = stage();
  const body = element("div", "evaluate");
  try {
    const parts = address.slice(1).split("/").slice(1).filter(Boolean).map(decodeURIComponent);
    if (parts[0] === "compare") await showComparison(body, parts[1], parts[2], here);
    else if (parts[0]) await showRun(body, parts[0], parts.slice(1), here);
    else await showHome(body, here);
  } catch (error) {
    if (!here.isCurrent()) return;
    const said = element("p", "problem", error.message);
    said.setAttribute("role", "alert");
    const back = element("a", "back", t("evaluate.back"));
    back.href = "#evaluate";
    body.replaceChildren(back, said);
  }
  if (!here.isCurrent()) return;
  const focused = view.contains(document.activeElement);
  view.replaceChildren(body);
  if (focused || (before !== null && before !== address)) {
    const title = body.querySelector("h2");
    if (title) {
      title.tabIndex = -1;
      title.focus({ preventScroll: true });
    }
  }
  if (before !== address) {
    view.closest("#views")?.scrollTo(0, 0);
  }
}

export function startEvaluate(given) {
  view = given;
  onView("evaluate", () => {
    shown = null;
    show(false);
  });
  window.addEventListener("hashchange", () => {
    if (currentView() === "evaluate") show(false);
  });
}
