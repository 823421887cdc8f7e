// The source panel: opens the article of a citation mark and shows the cited characters in it.

import { element, fetchJson, number, part, t, announce } from "./dom.js";
import { answerBehind } from "./answers.js";

const PLACE = /^#(?:cite|read)-([0-9a-f]+)-(\d+)-(\d+)$/;
const OPENERS = 'a[href^="#cite-"], a[href^="#read-"]';
const LISTED = 12; // articles listed while no source is open: about what fits a screen
let opener = null; // the link or button that opened the source, and gets the focus back
let shown = null; // what is open: { articleId, start, end, article, answer, citation }
let asked = 0; // counts openings, so that a slow reply cannot replace a newer one

const articles = new Map(); // article_id → promise of its document; an identifier is made of the text, so it cannot age

const isOpen = () => document.documentElement.dataset.source === "open";

// What is open now, `null` if nothing is.
export const openPlace = () => (isOpen() ? shown : null);

export function fetchArticle(articleId) {
  if (!articles.has(articleId)) {
    const coming = fetchJson(`api/articles/${articleId}`);
    coming.catch(() => articles.delete(articleId));
    articles.set(articleId, coming);
  }
  return articles.get(articleId);
}

// Forgets articles that were read, after the library has changed.
export const forgetArticles = () => articles.clear();

// The index in a JavaScript string (UTF-16) of the code point with that number, and the other way round.
export function unitIndex(text, codePoints) {
  let units = 0;
  for (let passed = 0; passed < codePoints && units < text.length; passed += 1) {
    units += text.codePointAt(units) > 0xffff ? 2 : 1;
  }
  return units;
}

export const codePointIndex = (text, units) => Array.from(text.slice(0, units)).length;

// Appends text. Where single line breaks part the paragraphs, an empty element makes the space between them, so that
// the characters stay exactly those of the article.
function appendText(parent, text, spaced) {
  if (!spaced) {
    parent.append(text);
    return;
  }
  text.split(/(?<=\n)/).forEach((line) => {
    parent.append(line);
    if (line.endsWith("\n")) parent.append(element("span", "gap"));
  });
}

// The article's text with the cited characters in one mark, and around it those of the answer's other citations.
function articleNode(article, start, end, others) {
  const text = element("div", "article-text");
  text.dir = "auto";
  const spaced = !article.text.includes("\n\n");
  const [from, to] = [unitIndex(article.text, start), unitIndex(article.text, end)];
  const spans = others
    .map((citation) => [
      unitIndex(article.text, citation.start_char_index),
      unitIndex(article.text, citation.end_char_index),
      citation,
    ])
    .sort((one, other) => one[0] - other[0]);
  appendAround(text, article.text, 0, from, spans, spaced);
  if (to > from) {
    const mark = element("mark", "cited");
    appendText(mark, article.text.slice(from, to), spaced);
    text.append(mark);
  }
  appendAround(text, article.text, to, article.text.length, spans, spaced);
  return text;
}

// Text from `from` to `to` with the parts of `spans` in it marked lightly.
function appendAround(parent, text, from, to, spans, spaced) {
  let done = from;
  for (const [start, end, citation] of spans) {
    const [first, last] = [Math.max(start, done), Math.min(end, to)];
    if (first >= last) continue;
    appendText(parent, text.slice(done, first), spaced);
    const mark = element("mark", "also");
    mark.title = `[${citation.number}]`;
    mark.dataset.number = citation.number;
    appendText(mark, text.slice(first, last), spaced);
    parent.append(mark);
    done = last;
  }
  appendText(parent, text.slice(done, to), spaced);
}

function known(article) {
  const line = [article.source, article.author, article.published_text].filter(Boolean);
  const node = part("source-known");
  node.replaceChildren(line.join(" · "));
  const address = /^https?:\/\//i.test(article.url || "") ? article.url : null;
  if (address) {
    const link = element("a", "", t("source.original"));
    Object.assign(link, { href: address, target: "_blank", rel: "noopener noreferrer" });
    if (line.length) node.append(" · ");
    node.append(link);
  }
}

function setHead(title, closable) {
  part("source-title").textContent = title;
  part("source-known").textContent = "";
  const close = part("source-close");
  close.hidden = !closable;
  close.textContent = t("source.close");
  close.setAttribute("aria-label", t("source.close_label"));
  part("source-body").setAttribute("aria-label", t("source.text_label"));
  part("source-steps").replaceChildren();
  part("source-actions").replaceChildren();
}

function markOpener(link) {
  document.querySelectorAll("a[aria-current=true]").forEach((old) => old.removeAttribute("aria-current"));
  if (link?.matches("a")) link.setAttribute("aria-current", "true");
}

// Opens an article and shows its characters [start, end) (code points) in it; none are marked where the two are equal.
// `link` gets the focus back when the source is closed. With an answer, its other citations of the article are marked
// lightly and the panel steps from citation to citation.
export async function openSource(articleId, start, end, link, answer = null) {
  const turn = ++asked;
  opener = link;
  markOpener(link);
  document.documentElement.dataset.source = "open";
  setHead(t("source.opening"), true);
  part("source-body").replaceChildren();
  part("source").focus({ preventScroll: true });
  try {
    const article = await fetchArticle(articleId);
    if (turn !== asked) return;
    const citations = answer?.citations || [];
    const same = (citation) =>
      citation.article_id === articleId && citation.start_char_index === start && citation.end_char_index === end;
    const citation = citations.find(same) || null;
    const others = citations.filter((other) => other.article_id === articleId && !same(other));
    shown = { articleId, start, end, article, answer, citation };
    setHead(article.title, true);
    known(article);
    part("source-body").replaceChildren(articleNode(article, start, end, others));
    if (citation) steps(citations, citation);
    showMark();
    document.dispatchEvent(new CustomEvent("dateline:source", { detail: shown }));
  } catch (error) {
    if (turn !== asked) return;
    shown = null;
    setHead(t("source.failed"), true);
    part("source-body").replaceChildren(element("p", "problem", error.message));
  }
}

// Buttons to the citation before and after.
function steps(citations, citation) {
  const ordered = [...citations].sort((one, other) => one.number - other.number);
  const at = ordered.indexOf(citation);
  const place = t("source.place", { number: at + 1, total: ordered.length });
  const step = (target, sign, name, id) => {
    const made = element("button", "step", sign);
    Object.assign(made, { type: "button", id, disabled: !target });
    made.setAttribute("aria-label", name);
    made.title = name;
    if (target) made.addEventListener("click", () => goTo(target, id));
    return made;
  };
  part("source-steps").replaceChildren(
    step(ordered[at - 1], "‹", t("source.previous"), "source-previous"),
    element("span", "place", place),
    step(ordered[at + 1], "›", t("source.next"), "source-next"),
  );
  announce(place);
}

async function goTo(citation, buttonId) {
  const { answer } = shown;
  const place = `${citation.article_id}-${citation.start_char_index}-${citation.end_char_index}`;
  const within = opener?.closest?.('[data-testid="bot"]') || document;
  const link = within.querySelector(`a[href="#cite-${place}"]`) || opener;
  await openSource(citation.article_id, citation.start_char_index, citation.end_char_index, link, answer);
  const again = part(buttonId);
  (again && !again.disabled ? again : part("source")).focus({ preventScroll: true });
}

// Where the text was scrolled to, and who notices that what stands below it has taken room from it since.
let placed = 0;
let roomWatch = null;

// Scrolls the text, and nothing around it, until the mark stands a third from the top.
function showMark() {
  const body = part("source-body");
  if (!roomWatch) {
    roomWatch = new ResizeObserver(() => {
      if (isOpen() && body.scrollTop === placed) showMark();
    });
    roomWatch.observe(body);
  }
  const mark = body.querySelector("mark.cited");
  body.scrollTop = 0;
  if (!mark) return;
  const above = mark.getBoundingClientRect().top - body.getBoundingClientRect().top;
  body.scrollTop = above - body.clientHeight / 3;
  placed = body.scrollTop;
}

export function closeSource() {
  if (!isOpen()) return;
  asked += 1;
  shown = null;
  delete document.documentElement.dataset.source;
  markOpener(null);
  listArticles();
  // The chat may have drawn the link anew since it was used.
  const again =
    opener && !opener.isConnected && opener.matches("a")
      ? document.querySelector(`a[href="${opener.getAttribute("href")}"]`)
      : opener;
  (again || document.querySelector("#question textarea"))?.focus();
  opener = null;
}

// While nothing is open, the panel lists what can be read.
export async function listArticles() {
  const turn = asked;
  setHead(t("source.articles"), false);
  part("source-body").replaceChildren();
  let listing;
  try {
    listing = await fetchJson(`api/articles?limit=${LISTED}`);
  } catch {
    return; // the conversation says what is wrong
  }
  if (turn !== asked || isOpen()) return;
  const items = listing.articles.map((article) => {
    const item = element("li");
    const link = element("a", "", article.title);
    link.href = `#read-${article.article_id}-0-0`;
    const line = [article.source, article.published_text].filter(Boolean).join(" · ");
    item.append(link, element("span", "known", line));
    return item;
  });
  const all = element("ul", "articles");
  all.append(...items);
  part("source-body").replaceChildren(all);
  const more = listing.total - items.length;
  if (more > 0) part("source-body").append(element("p", "more", t("source.more", { count: number(more) })));
}

export function startSource() {
  listArticles();
  document.addEventListener(
    "click",
    async (event) => {
      if (event.target.closest?.("#source-close")) {
        closeSource();
        return;
      }
      const also = event.target.closest?.("#source mark.also");
      if (also && shown?.answer && window.getSelection().isCollapsed) {
        const citation = shown.answer.citations.find((one) => one.number === Number(also.dataset.number));
        if (citation) goTo(citation, "source");
        return;
      }
      const link = event.target.closest?.(OPENERS);
      const place = link && PLACE.exec(link.getAttribute("href"));
      if (!place || event.ctrlKey || event.metaKey || event.shiftKey) return;
      event.preventDefault();
      event.stopPropagation();
      const answer = await answerBehind(link);
      openSource(place[1], Number(place[2]), Number(place[3]), link, answer);
    },
    true,
  );
  document.addEventListener("keydown", (event) => {
    if (event.key !== "Escape" || event.isComposing || event.defaultPrevented || !isOpen()) return;
    event.preventDefault();
    closeSource();
  });
  const place = PLACE.exec(window.location.hash);
  if (place) openSource(place[1], Number(place[2]), Number(place[3]), null);
}
