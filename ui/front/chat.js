// The conversation: what Gradio's chat lacks. Names for people who hear the page, the place of a new answer, the time
// that passes, the quotation behind a mark, and what can be done with an answer.

import { element, fetchJson, part, t } from "./dom.js";
import { answerBehind } from "./answers.js";

const ACTIONS = /^#(again|edit|keep)-([0-9a-f]*)$/;
const QUOTE_DELAY = 150; // milliseconds that a pointer rests on a mark before its quotation is shown

// Gradio names each message by its markup; a screen reader would read the tags out.
function nameMessages() {
  for (const [id, name] of [["user", t("ask.question_name")], ["bot", t("ask.answer_name")]]) {
    document.querySelectorAll(`#conversation [data-testid="${id}"]`).forEach((message) => {
      if (message.getAttribute("aria-label") !== name) {
        message.setAttribute("role", "group");
        message.setAttribute("aria-label", name);
      }
    });
  }
  document.querySelectorAll("#conversation a.act:not([role]), #banner a.act:not([role])").forEach((link) => {
    if (link.getAttribute("href").startsWith("#")) link.setAttribute("role", "button");
  });
}

// An answer is read from its beginning: a new question is kept at the top of the conversation while its answer grows,
// until the reader scrolls.
let questions = 0;
let pinned = null;

function pinNewest() {
  const all = document.querySelectorAll('#conversation [data-testid="user"]');
  if (all.length > questions) pinned = all[all.length - 1];
  questions = all.length;
  if (!pinned?.isConnected) return;
  const log = pinned.closest('[role="log"]');
  log.scrollTop += pinned.getBoundingClientRect().top - log.getBoundingClientRect().top - 24;
}

// Seconds since the question was asked, written behind an answer that is not there yet by page.css.
let since = null;
let ticking = null;

function tick() {
  const seconds = Math.floor((performance.now() - since) / 1000);
  document.documentElement.style.setProperty("--elapsed", `"${seconds} s"`);
}

function watchTime() {
  const running = document.querySelector("#conversation .working, #conversation .unfinished:last-child") !== null;
  if (running && ticking === null) {
    since = performance.now();
    tick();
    ticking = setInterval(tick, 1000);
  } else if (!running && ticking !== null) {
    clearInterval(ticking);
    ticking = null;
    // The Stop button is gone; whoever pressed it goes on in the box.
    if (document.activeElement === document.body) focusBox();
  }
}

// Where there is a keyboard; on a phone the box would bring up one that covers the answer.
function focusBox() {
  if (window.matchMedia("(hover: hover)").matches) document.querySelector("#question textarea").focus();
}

export function lookAtChat() {
  nameMessages();
  pinNewest();
  watchTime();
}

// The quotation behind a mark, shown while the pointer or the focus is on it.
let quoted = null; // the mark whose quotation is shown or about to be
let delay = null;

async function showQuote(link) {
  quoted = link;
  const answer = await answerBehind(link);
  const place = /^#cite-([0-9a-f]+)-(\d+)-(\d+)$/.exec(link.getAttribute("href"));
  const citation = answer?.citations.find(
    (one) => one.article_id === place?.[1] && one.start_char_index === Number(place[2]) && one.end_char_index === Number(place[3]),
  );
  if (quoted !== link || !citation) return;
  const box = part("quote");
  const known = [citation.title, citation.source].filter(Boolean).join(" · ");
  box.replaceChildren(element("q", "", citation.cited_text), element("span", "known", known));
  box.hidden = false;
  link.setAttribute("aria-describedby", "quote");
  const at = link.getBoundingClientRect();
  const width = Math.min(360, window.innerWidth - 24);
  box.style.width = `${width}px`;
  box.style.left = `${Math.max(12, Math.min(at.left, window.innerWidth - width - 12))}px`;
  const above = at.top - box.offsetHeight - 6;
  box.style.top = `${above > 8 ? above : at.bottom + 6}px`;
}

function hideQuote() {
  clearTimeout(delay);
  quoted?.removeAttribute("aria-describedby");
  quoted = null;
  if (part("quote")) part("quote").hidden = true;
}

function startQuotes() {
  const box = element("div");
  box.id = "quote";
  box.hidden = true;
  box.setAttribute("role", "tooltip");
  document.body.append(box);
  const markAt = (event) => event.target.closest?.("#conversation a.cite");
  document.addEventListener("mouseover", (event) => {
    const link = markAt(event);
    if (!link || link === quoted) return;
    hideQuote();
    delay = setTimeout(() => showQuote(link), QUOTE_DELAY);
  });
  document.addEventListener("mouseout", (event) => markAt(event) && hideQuote());
  document.addEventListener("focusin", (event) => {
    hideQuote();
    const link = markAt(event);
    if (link?.matches(":focus-visible")) showQuote(link);
  });
  document.addEventListener("scroll", hideQuote, true);
  document.addEventListener("click", hideQuote, true);
  document.addEventListener(
    "keydown",
    (event) => {
      if (event.key !== "Escape" || part("quote").hidden) return;
      hideQuote();
      event.preventDefault();
    },
    true,
  );
}

// Tells the server what was clicked; see `act` of ui/talk.py.
export const act = (kind, id) => window.datelineAct?.({ kind, id });

function startActions() {
  document.addEventListener(
    "click",
    (event) => {
      const link = event.target.closest?.("#conversation a, #banner a");
      const action = link && ACTIONS.exec(link.getAttribute("href") || "");
      if (!action) return;
      event.preventDefault();
      event.stopPropagation();
      act(action[1], action[2]);
      if (action[1] !== "again") document.querySelector("#question textarea").focus();
    },
    true,
  );
  document.addEventListener("keydown", (event) => {
    if (event.key === " " && event.target.matches?.('a[role="button"]')) {
      event.preventDefault();
      event.target.click();
    }
  });
}

// Beside the choice of a model: whether the chosen one can be used now.
async function startModelState() {
  if (!part("model")?.querySelector(".container")) return;
  const state = element("span", "model-state");
  state.setAttribute("role", "status");
  part("model").querySelector(".container").append(state);
  let models = [];
  const chosen = () => part("model").querySelector("input")?.value;
  const say = () => {
    const model = models.find((one) => one.name === chosen());
    const text = model === undefined ? t("model.checking") : t(model.ready ? "model.ready" : "model.unusable");
    if (state.textContent !== text) state.textContent = text;
    state.classList.toggle("unusable", model !== undefined && !model.ready);
  };
  const look = async () => {
    models = (await fetchJson("api/models").catch(() => ({ models }))).models;
    say();
  };
  say();
  look();
  setInterval(say, 500); // Gradio sends no event of its own that a script could listen to
  document.addEventListener("visibilitychange", () => document.visibilityState === "visible" && look());
  part("model").addEventListener("focusin", look);
}

export function startChat() {
  document.addEventListener("dateline:library", () => window.datelineRenew?.());
  for (const moved of ["wheel", "touchmove", "pointerdown", "keydown"]) {
    const unpin = (event) => event.target.closest?.("#conversation") && (pinned = null);
    document.addEventListener(moved, unpin, { passive: true, capture: true });
  }
  startQuotes();
  startActions();
  startModelState();
  focusBox();
}
