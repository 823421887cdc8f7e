// What a reader says of answers and of cited words; it becomes a question set (see ui/feedback_lines.py).

import { announce, button, element, fetchJson, part, sendJson, t, tCount } from "./dom.js";
import { codePointIndex, openPlace } from "./source.js";
import { fetchAnswer } from "./answers.js";

const THUMBS = 'a[href^="#helpful-"], a[href^="#unhelpful-"]';
const THUMB = /^#(helpful|unhelpful)-([\w-]+)$/;
const AGAIN_AFTER = 5_000; // milliseconds after a failure until the server is asked again
const QUOTED = 90; // characters of a passage that are shown: enough to know it again

let counts = null; // what the server's summary says: { lines, marks, without_line, helpful }
let asking = null; // the request for it
let target = null; // what can be judged beside the open source: { answer, said, citation, article }

// Says it to the server; `counts` and everything on the page that shows it follow.
async function say(judgement) {
  const { summary, ...said } = await sendJson("POST", "api/feedback", judgement);
  counts = summary;
  if (target?.answer.exchange_id === said.exchange_id) target.said = said;
  showThumbs();
  showPlace();
  return said;
}

// Does something for the reader and says how it went, also when it failed.
async function trying(action, node) {
  try {
    announce(await action());
    node?.parentElement?.querySelector(".feedback-problem")?.remove();
  } catch (error) {
    announce(error.message);
    if (!node?.isConnected) return;
    node.parentElement.querySelector(".feedback-problem")?.remove();
    node.parentElement.append(element("span", "feedback-problem", error.message));
  }
}

async function loadCounts() {
  asking ??= fetchJson("api/feedback/summary");
  try {
    const found = await asking;
    counts ??= found; // what was said meanwhile has brought newer ones
  } catch {
    window.setTimeout(() => (asking = null), AGAIN_AFTER); // the next look after that asks again
  }
}

// Whole answers

async function thumb(link) {
  const [, name, id] = THUMB.exec(link.getAttribute("href"));
  const helpful = name === "helpful";
  await trying(async () => {
    await loadCounts();
    if (counts?.helpful[id] === helpful) {
      await say({ exchange_id: id, kind: "answer", clear: true });
      return t("feedback.cleared");
    }
    await say({ exchange_id: id, kind: "answer", helpful });
    link.parentElement.querySelector(".feedback-hint")?.scrollIntoView({ block: "nearest" });
    if (!helpful) return t("feedback.which");
    const answer = await fetchAnswer(id).catch(() => null);
    return answer?.refused ? t("feedback.rightly_refused") : t("feedback.thanks");
  }, link);
}

// The chat draws its answers anew now and then, without what was set here.
function showThumbs() {
  for (const link of document.querySelectorAll(THUMBS)) {
    const found = THUMB.exec(link.getAttribute("href"));
    if (!found) continue;
    const helpful = counts?.helpful[found[2]];
    const pressed = String(helpful === (found[1] === "helpful"));
    if (link.getAttribute("aria-pressed") !== pressed) {
      link.setAttribute("role", "button");
      link.setAttribute("aria-pressed", pressed);
    }
    if (found[1] === "unhelpful") showHint(link, helpful === false);
  }
}

// After "not helpful": what would make it a line of the question set.
function showHint(link, wanted) {
  const hint = link.parentElement.querySelector(".feedback-hint");
  if (wanted && !hint) link.parentElement.append(element("span", "feedback-hint", t("feedback.which")));
  if (!wanted) hint?.remove();
}

// How much there is, in an element that the list of conversations has for it.
function showPlace() {
  const place = part("feedback-place");
  if (!place || !counts) return;
  const key = `${counts.lines} ${counts.marks} ${counts.without_line}`;
  if (place.dataset.shown === key) return;
  place.dataset.shown = key;
  place.replaceChildren();
  if (!counts.marks) return;
  place.append(element("span", "", tCount("feedback.lines", counts.lines)));
  if (counts.lines) {
    const link = element("a", "", t("feedback.download"));
    Object.assign(link, { href: "api/feedback", download: "feedback.jsonl", title: t("feedback.download_title") });
    place.append(" · ", link);
  }
  if (counts.without_line) {
    place.append(element("span", "without", tCount("feedback.without", counts.without_line)));
  }
}

async function look() {
  const needed = document.querySelector(THUMBS) || part("feedback-place");
  if (!needed) return;
  if (!counts) await loadCounts();
  showThumbs();
  showPlace();
}

// The open source

// The answer to judge: the one whose citation is open, else the last one of the conversation.
async function answerToJudge(answer) {
  if (answer) return answer.owned ? answer : null;
  const links = document.querySelectorAll('#conversation [data-testid="bot"] a.permalink');
  const last = links[links.length - 1];
  if (!last) return null;
  const found = await fetchAnswer(last.getAttribute("href").split("/").pop()).catch(() => null);
  return found?.owned && found.question ? found : null;
}

async function sourceOpened({ article, answer, citation }) {
  const opened = openPlace();
  target = null;
  const judged = await answerToJudge(answer);
  if (!judged || openPlace() !== opened) return;
  const said = await fetchJson(`api/feedback/${judged.exchange_id}`).catch(() => null);
  if (!said || openPlace() !== opened) return;
  target = { answer: judged, said, citation: answer ? citation : null, article };
  drawJudging();
}

function toggle(text, pressed, onClick) {
  const made = button(text, "judge", onClick);
  made.setAttribute("aria-pressed", String(pressed));
  return made;
}

function drawJudging(focused = null) {
  part("judging")?.remove();
  const box = element("div");
  box.id = "judging";
  if (target.citation) box.append(supportButtons(target.citation));
  box.append(selectionRow());
  const here = target.said.passages.filter((one) => one.article_id === target.article.article_id);
  if (here.length) box.append(passageList(here));
  part("source-actions").append(box);
  followSelection();
  if (focused) (box.querySelector(focused) || part("source")).focus({ preventScroll: true });
}

function supportButtons(citation) {
  const group = element("div", "supports");
  group.setAttribute("role", "group");
  group.setAttribute("aria-label", t("feedback.of_citation", { number: citation.number }));
  const now = target.said.citations[citation.number];
  for (const supports of [true, false]) {
    const name = supports ? "yes" : "no";
    const made = toggle(t(`feedback.supports_${name}`), now === supports, () =>
      trying(async () => {
        const place = { exchange_id: target.answer.exchange_id, kind: "citation", number: citation.number };
        await say(now === supports ? { ...place, clear: true } : { ...place, supports });
        drawJudging(`.judge.${name}`);
        return t(now === supports ? "feedback.cleared" : `feedback.said_${name}`);
      }, made),
    );
    made.classList.add(name);
    group.append(made);
  }
  return group;
}

// A button for the words that are selected; it is there, but hidden, while there are none.
function selectionRow() {
  const row = element("div", "selection");
  const made = button(t("feedback.point_out"), "judge point-out", () => {
    const place = selectedPlace();
    if (!place) return;
    trying(async () => {
      await say({ exchange_id: target.answer.exchange_id, kind: "passage", ...place });
      window.getSelection().removeAllRanges();
      drawJudging(".pointed-out button");
      return t("feedback.pointed_out");
    }, made);
  });
  made.addEventListener("pointerdown", (event) => event.preventDefault()); // or the selection would be gone
  row.append(made, element("span", "asked", `${t("feedback.for")} ${shortened(target.answer.question)}`));
  return row;
}

function passageList(passages) {
  const list = element("ul", "pointed-out");
  for (const { quote, ...place } of passages) {
    const item = element("li");
    const back = button(t("feedback.take_back"), "link", () =>
      trying(async () => {
        await say({ exchange_id: target.answer.exchange_id, kind: "passage", ...place, clear: true });
        drawJudging(".pointed-out button");
        return t("feedback.cleared");
      }, back),
    );
    back.setAttribute("aria-label", t("feedback.take_back_label", { quote: shortened(quote) }));
    item.append(element("span", "", t("feedback.right_passage", { quote: shortened(quote) })), " ", back);
    list.append(item);
  }
  return list;
}

function shortened(text) {
  const line = Array.from(text.trim().replace(/\s+/g, " "));
  return line.length > QUOTED ? `${line.slice(0, QUOTED - 1).join("")}…` : line.join("");
}

// Where the selected words stand in the article, in code points; `null` if none of its words are selected. The text
// nodes of the article are its text, nothing more.
function selectedPlace() {
  const selection = window.getSelection();
  const text = document.querySelector("#source-body .article-text");
  if (!target || !text || !selection.rangeCount || selection.isCollapsed) return null;
  const chosen = selection.getRangeAt(0);
  if (!part("source-body").contains(chosen.commonAncestorContainer) || !chosen.intersectsNode(text)) return null;
  const whole = document.createRange();
  whole.selectNodeContents(text);
  const range = chosen.cloneRange();
  if (range.compareBoundaryPoints(Range.START_TO_START, whole) < 0) range.setStart(text, 0);
  if (range.compareBoundaryPoints(Range.END_TO_END, whole) > 0) range.setEnd(text, text.childNodes.length);
  if (!range.toString().trim()) return null;
  whole.setEnd(range.startContainer, range.startOffset);
  const [start, length] = [whole.toString().length, range.toString().length];
  const all = target.article.text;
  return {
    article_id: target.article.article_id,
    start_char_index: codePointIndex(all, start),
    end_char_index: codePointIndex(all, start + length),
  };
}

function followSelection() {
  const row = document.querySelector("#judging .selection");
  if (row) row.hidden = selectedPlace() === null;
}

export function startFeedback() {
  document.addEventListener("dateline:source", (event) => sourceOpened(event.detail));
  document.addEventListener("selectionchange", followSelection);
  document.addEventListener(
    "click",
    (event) => {
      const link = event.target.closest?.(THUMBS);
      if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return;
      event.preventDefault();
      event.stopPropagation();
      thumb(link);
    },
    true,
  );
  document.addEventListener("keydown", (event) => {
    const link = event.key === " " && event.target.closest?.(THUMBS);
    if (!link) return;
    event.preventDefault();
    thumb(link);
  });
  new MutationObserver(look).observe(document.body, { childList: true, subtree: true });
  look();
}
