// The library view: what the library holds, over time and by source, a table of it, adding and removing.

import { announce, button, element, fetchJson, part, t, tCount } from "./dom.js";
import { onView } from "./views.js";
import { closeSource, forgetArticles, listArticles, openPlace } from "./source.js";
import { makeTable } from "./library_table.js";
import { makeAdding } from "./library_add.js";
import { drawPlots } from "./library_plots.js";
import { askToRemove } from "./library_remove.js";
import { removeArticle } from "./library_jobs.js";

const WIDE = 740; // CSS pixels of the view, from which on it has two columns, as in library.css

const parts = {}; // the elements of the view, once they are made
let table = null;
let adding = null;
let generation = null; // of the library that is shown

// Writes the number of articles into the line at the top of the page.
export function showArticleCount(count) {
  const line = document.querySelector("#masthead p");
  if (line) line.textContent = tCount("page.articles", count);
}

function problem(sentence) {
  parts.problem.textContent = sentence;
  parts.problem.hidden = !sentence;
}

function showOverview(overview) {
  generation = overview.generation;
  parts.counts.textContent = [
    tCount("page.articles", overview.articles),
    tCount("library.passages_count", overview.passages),
  ].join(" · ");
  parts.readOnly.hidden = !overview.read_only;
  parts.addButton.hidden = overview.read_only;
  parts.empty.hidden = overview.articles > 0;
  parts.empty.textContent = t(overview.read_only ? "library.empty_read_only" : "library.empty");
  parts.held.hidden = overview.articles === 0;
  adding.setLimits(overview.uploads);
  if (overview.read_only) showAdding(false);
  else if (overview.articles === 0) showAdding(true);
  table.setReadOnly(overview.read_only);
  drawPlots(parts.plots, overview, (source) => table.search(source));
}

// Fetches what is shown again, and tells the rest of the page if the library has changed.
async function refresh(changed) {
  try {
    const [overview] = await Promise.all([fetchJson("api/library/overview"), table.load()]);
    const before = generation;
    showOverview(overview);
    problem("");
    if (changed || (before !== null && before !== overview.generation)) {
      forgetArticles();
      showArticleCount(overview.articles);
      if (openPlace() === null) listArticles();
      document.dispatchEvent(new CustomEvent("dateline:library", { detail: { articles: overview.articles } }));
    }
  } catch (error) {
    problem(error.message);
  }
}

function showAdding(open) {
  parts.adding.hidden = !open;
  parts.addButton.setAttribute("aria-expanded", String(open));
  parts.addButton.textContent = t(open ? "library.add_close" : "library.add");
}

async function remove(article, opener) {
  if (!(await askToRemove(article, opener))) return;
  const place = table.placeOf(article.article_id);
  table.markRemoving(article.article_id);
  announce(t("library.removing"));
  let failure = "";
  try {
    const job = await removeArticle(article.article_id);
    failure = job.problem || "";
  } catch (error) {
    failure = error.message;
  }
  const hadFocus = opener === document.activeElement || document.activeElement === document.body;
  if (!failure && openPlace()?.articleId === article.article_id) closeSource();
  await refresh(true);
  problem(failure ? t("library.not_removed", { title: article.title, reason: failure }) : "");
  if (!failure) announce(t("library.removed", { title: article.title }));
  if (hadFocus) table.focusRow(place);
}

function build(view) {
  const head = element("div", "library-head");
  const names = element("div", "");
  const title = element("h2", "", t("page.library"));
  title.id = "library-title";
  view.setAttribute("aria-labelledby", title.id);
  parts.counts = element("p", "library-counts");
  names.append(title, parts.counts);
  parts.addButton = button(t("library.add"), "main-action", () => showAdding(parts.adding.hidden));
  parts.addButton.id = "library-add";
  parts.addButton.hidden = true;
  parts.addButton.setAttribute("aria-controls", "library-adding");
  head.append(names, parts.addButton);

  parts.readOnly = element("p", "library-note", t("library.read_only"));
  parts.problem = element("p", "library-problem");
  parts.problem.setAttribute("role", "alert");
  parts.empty = element("p", "library-empty");
  for (const node of [parts.readOnly, parts.problem, parts.empty]) node.hidden = true;

  adding = makeAdding(view, () => refresh(true), showAdding);
  parts.adding = adding.node;
  parts.adding.id = "library-adding";
  showAdding(false);

  table = makeTable({ onRemove: remove, onProblem: problem });
  const overview = element("details", "library-overview");
  parts.plots = element("div", "library-plots");
  overview.append(element("summary", "", t("library.overview")), parts.plots);
  overview.open = view.clientWidth >= WIDE; // where there is little room, the table comes first
  parts.held = element("div", "library-held");
  parts.held.hidden = true;
  parts.held.append(overview, table.node);
  view.append(head, parts.readOnly, parts.problem, parts.adding, parts.empty, parts.held);
}

export function startLibrary(view) {
  onView("library", () => {
    if (table === null) build(view);
    refresh(false);
  });
}
