// The three views of the page, by the part of the address behind "#": #ask (also where there is none), #library,
// #evaluate. Each view is an element that is hidden while another one is shown.

const VIEWS = { ask: "talk", library: "library-view", evaluate: "evaluate-view" };
const listeners = { ask: [], library: [], evaluate: [] };

export function currentView() {
  const named = window.location.hash.slice(1).split("/")[0];
  return named in VIEWS ? named : "ask";
}

// Calls `callback` each time the view is shown, also at once if it is shown now.
export function onView(name, callback) {
  listeners[name].push(callback);
  if (document.documentElement.dataset.view === name) callback();
}

function show() {
  const view = currentView();
  const changed = document.documentElement.dataset.view !== view;
  document.documentElement.dataset.view = view;
  markLinks();
  if (changed) listeners[view].forEach((callback) => callback());
}

// The masthead is drawn anew when the server fills it.
export function markLinks() {
  document.querySelectorAll("#masthead nav a").forEach((link) => {
    if (link.getAttribute("href") === `#${currentView()}`) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  });
}

export function startViews() {
  window.addEventListener("hashchange", show);
  show();
}
