// The table of articles: searched while typing, put in order by its headers, in pages that the server makes.

import { announce, button, element, fetchJson, number, t, tCount } from "./dom.js";
import { openSource } from "./source.js";

const TYPING_MS = 200; // how long typing may pause before the search begins
const PAGE = 50;
const COLUMNS = ["title", "source", "published", "passages", "origin"];
const LARGEST_FIRST = new Set(["published", "passages"]); // what most want to see first there

// The last two parts of a path or an address: what tells one file from another on one line.
function shortOrigin(origin) {
  const parts = origin.replace(/[/\\]+$/, "").split(/[/\\]/);
  return parts.slice(-2).join("/");
}

function cell(name, label) {
  const made = element("td", `cell-${name}`);
  made.setAttribute("role", "cell");
  if (label) made.dataset.label = label;
  return made;
}

export function makeTable({ onRemove, onProblem }) {
  const state = { q: "", sort: "published", order: "descending", offset: 0 };
  let readOnly = true;
  let turn = 0;
  let shown = [];

  const node = element("section", "library-articles");
  node.setAttribute("aria-label", t("source.articles"));
  const tools = element("div", "library-tools");
  const label = element("label", "", t("library.search"));
  const box = element("input");
  Object.assign(box, { type: "search", id: "library-search", autocomplete: "off", maxLength: 200 });
  box.placeholder = t("library.search_in");
  label.htmlFor = box.id;
  const found = element("p", "library-found");
  tools.append(label, box, found);

  const table = element("table", "library-table");
  table.id = "library-table";
  table.setAttribute("role", "table");
  const caption = element("caption", "unseen", t("source.articles"));
  const head = element("thead");
  const body = element("tbody");
  [head, body].forEach((group) => group.setAttribute("role", "rowgroup"));
  const row = element("tr");
  row.setAttribute("role", "row");
  const headers = new Map();
  for (const name of COLUMNS) {
    const header = element("th", `cell-${name}`);
    header.scope = "col";
    header.setAttribute("role", "columnheader");
    const sort = button(t(`library.column_${name}`), "sort", () => {
      if (state.sort === name) state.order = state.order === "ascending" ? "descending" : "ascending";
      else Object.assign(state, { sort: name, order: LARGEST_FIRST.has(name) ? "descending" : "ascending" });
      state.offset = 0;
      load(true);
    });
    header.append(sort);
    headers.set(name, header);
    row.append(header);
  }
  const actions = element("th", "cell-actions");
  actions.scope = "col";
  actions.setAttribute("role", "columnheader");
  actions.append(element("span", "unseen", t("library.column_actions")));
  row.append(actions);
  head.append(row);
  table.append(caption, head, body);

  const none = element("p", "library-none", t("library.none_found"));
  none.hidden = true;
  const pages = element("nav", "library-pages");
  pages.setAttribute("aria-label", t("library.pages"));
  const turnTo = (step) => {
    state.offset = Math.max(0, state.offset + step * PAGE);
    load(true).then(() => {
      const again = step > 0 ? next : previous;
      (again.disabled ? (step > 0 ? previous : next) : again).focus({ preventScroll: true });
      node.scrollIntoView({ block: "start" });
    });
  };
  const previous = button(t("library.previous"), "action", () => turnTo(-1));
  const next = button(t("library.next"), "action", () => turnTo(1));
  const range = element("span", "range");
  pages.append(previous, range, next);
  node.append(tools, table, none, pages);

  let typing = null;
  box.addEventListener("input", () => {
    clearTimeout(typing);
    typing = setTimeout(() => search(box.value, false), TYPING_MS);
  });

  function search(text, fill = true) {
    clearTimeout(typing);
    if (fill) box.value = text;
    Object.assign(state, { q: text.trim(), offset: 0 });
    return load(true);
  }

  function articleRow(article) {
    const line = element("tr");
    line.setAttribute("role", "row");
    line.dataset.article = article.article_id;
    const title = cell("title");
    const open = button(article.title, "link title", () => {
      openSource(article.article_id, 0, 0, open);
      // The open source takes room from the table, in which the row would move away.
      requestAnimationFrame(() => line.scrollIntoView({ block: "nearest" }));
    });
    open.dir = "auto";
    title.append(open);
    const source = cell("source", t("library.column_source"));
    source.append(element("bdi", "", article.source || ""));
    const date = cell("published", t("library.column_published"));
    date.textContent = article.published_text || "";
    const passages = cell("passages", t("library.column_passages"));
    passages.textContent = number(article.passages);
    const origin = cell("origin", t("library.column_origin"));
    const short = element("bdi", "", shortOrigin(article.origin));
    short.title = article.origin;
    origin.append(short);
    for (const given of [source, date, origin]) given.classList.toggle("blank", !given.textContent);
    line.append(title, source, date, passages, origin);
    if (!readOnly) {
      const last = cell("actions");
      const remove = button(t("library.remove"), "quiet-action remove", () => {
        if (remove.getAttribute("aria-disabled") !== "true") onRemove(article, remove);
      });
      remove.setAttribute("aria-label", t("library.remove_named", { title: article.title }));
      last.append(remove);
      line.append(last);
    }
    return line;
  }

  // The row that has the focus keeps it, where it is still there.
  function showRows(articles) {
    const active = document.activeElement;
    const held = body.contains(active) ? active.closest("tr")?.dataset.article : null;
    const isRemove = active?.classList.contains("remove");
    shown = articles;
    body.replaceChildren(...articles.map(articleRow));
    if (held) body.querySelector(`tr[data-article="${held}"] ${isRemove ? ".remove" : ".title"}`)?.focus();
  }

  // Fetches the page that is asked for. What is no longer the newest question is not shown.
  async function load(say = false) {
    const mine = ++turn;
    const asked = new URLSearchParams({ ...state, limit: PAGE });
    let page;
    try {
      page = await fetchJson(`api/library/articles?${asked}`);
    } catch (error) {
      if (mine === turn) onProblem(error.message);
      return;
    }
    if (mine !== turn) return;
    if (page.offset > 0 && page.offset >= page.matching) {
      state.offset = Math.max(0, Math.floor((page.matching - 1) / PAGE) * PAGE);
      await load(say);
      return;
    }
    showRows(page.articles);
    headers.forEach((header, name) => {
      if (name === state.sort) header.setAttribute("aria-sort", state.order);
      else header.removeAttribute("aria-sort");
    });
    none.hidden = page.matching > 0 || page.total === 0;
    table.hidden = page.matching === 0;
    found.textContent = state.q
      ? t("library.found", { count: number(page.matching), total: number(page.total) })
      : tCount("page.articles", page.total);
    const last = page.offset + page.articles.length;
    range.textContent = t("library.range", {
      first: number(page.offset + 1),
      last: number(last),
      total: number(page.matching),
    });
    pages.hidden = page.matching <= PAGE;
    previous.disabled = page.offset === 0;
    next.disabled = last >= page.matching;
    if (say) announce(pages.hidden ? found.textContent : `${found.textContent}. ${range.textContent}`);
  }

  const lineOf = (articleId) => body.querySelector(`tr[data-article="${articleId}"]`);

  return {
    node,
    load: () => load(),
    search,
    setReadOnly(value) {
      if (value === readOnly) return;
      readOnly = value;
      actions.hidden = value;
      table.classList.toggle("read-only", value);
      showRows(shown);
    },
    placeOf: (articleId) => [...body.children].indexOf(lineOf(articleId)),
    markRemoving(articleId) {
      const line = lineOf(articleId);
      const remove = line?.querySelector(".remove");
      line?.classList.add("removing");
      remove?.setAttribute("aria-disabled", "true");
      if (remove) remove.textContent = t("library.removing");
    },
    // Puts the focus on the row that stands there now, or on the search box.
    focusRow(place) {
      const line = body.children[Math.min(Math.max(place, 0), body.children.length - 1)];
      (line?.querySelector(".title") || box).focus();
    },
  };
}
