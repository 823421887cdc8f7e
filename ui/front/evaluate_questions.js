// The questions of a run as a table, a page at a time; each opens beside its gold.

import { announce, button, element, fetchJson, number, t, tCount } from "./dom.js";
import { API, labelled, measured, problemLine, select, share } from "./evaluate_parts.js";
import { answerBesideGold } from "./evaluate_answer.js";

const PAGE = 50; // rows of one page
const TYPING_MS = 250; // how long somebody must pause before the words are looked for
const WRONG = "wrong,should_refuse,refused_wrong,failed";
const OUTCOMES = ["right", "wrong", "should_refuse", "refused_right", "refused_wrong", "untold", "failed"];
const SCORES = ["contains", "f1", "gold_quote", "citation_recall", "citation_precision"];

export async function showQuestions(body, run, wantedId, here) {
  const filter = { offset: 0, outcome: "", type: "", words: wantedId };
  const section = element("section", "questions");
  const problem = problemLine();
  const tools = element("div", "filters");
  tools.setAttribute("role", "search");
  const words = element("input");
  Object.assign(words, { type: "search", value: wantedId, autocomplete: "off" });
  const outcome = select([["", ""]], "");
  const type = select([["", ""]], "");
  tools.append(
    labelled(t("evaluate.search"), words),
    labelled(t("evaluate.outcome"), outcome),
    labelled(t("evaluate.type"), type),
  );
  const count = element("p", "count");
  const scroller = element("div", "scroll");
  const table = element("table", "questions-table");
  const head = element("tr");
  [["question", ""], ["type", "type"], ["outcome", ""]].forEach(([name, className]) => {
    const cell = element("th", className, t(`evaluate.column_${name}`));
    cell.scope = "col";
    head.append(cell);
  });
  SCORES.forEach((name) => {
    const cell = element("th", "num score", t(`evaluate.score_${name}`));
    cell.scope = "col";
    head.append(cell);
  });
  const confidence = element("th", "num score", t("evaluate.confidence"));
  confidence.scope = "col";
  head.append(confidence);
  const thead = element("thead");
  thead.append(head);
  const tbody = element("tbody");
  table.append(thead, tbody);
  scroller.append(table);
  const pager = element("nav", "pager");
  pager.setAttribute("aria-label", t("evaluate.pages"));
  section.append(tools, problem.node, count, scroller, pager);
  body.append(section);
  let asked = 0;
  let filled = false;

  async function load(openId) {
    const mine = ++asked;
    const query = new URLSearchParams({ ...filter, limit: PAGE });
    let page;
    try {
      page = await fetchJson(`${API}/${run.run_id}/questions?${query}`);
    } catch (error) {
      problem.say(error.message);
      return;
    }
    if (mine !== asked) return;
    problem.say("");
    if (!filled) fillChoices(page);
    const said =
      page.total === page.all
        ? tCount("evaluate.questions", page.all)
        : t("evaluate.found", { found: number(page.total), all: number(page.all) });
    count.textContent = said;
    tbody.replaceChildren();
    page.questions.forEach((row) => {
      const opened = questionRow(run, row, page.questions.length === 1 || row.id === openId);
      tbody.append(...opened);
    });
    if (!page.questions.length) {
      const empty = element("td", "empty", t("evaluate.nothing_found"));
      empty.colSpan = head.children.length;
      const line = element("tr");
      line.append(empty);
      tbody.append(line);
    }
    drawPager(page);
    if (mine > 1) announce(said);
  }

  function fillChoices(page) {
    filled = true;
    const outcomes = OUTCOMES.filter((name) => page.outcomes[name]).map((name) => [
      name,
      `${t(`evaluate.outcome_${name}`)} (${number(page.outcomes[name])})`,
    ]);
    const wrong = WRONG.split(",").reduce((sum, name) => sum + (page.outcomes[name] || 0), 0);
    const groups = [["", t("evaluate.all_outcomes")]];
    if (wrong) groups.push([WRONG, `${t("evaluate.all_wrong")} (${number(wrong)})`]);
    outcome.replaceChildren(...select([...groups, ...outcomes], "").children);
    const types = Object.entries(page.types).map(([name, found]) => [name, `${name} (${number(found)})`]);
    type.replaceChildren(...select([["", t("evaluate.all_types")], ...types], "").children);
    Object.assign(outcome, { value: "" });
    Object.assign(type, { value: "" });
  }

  function drawPager(page) {
    pager.hidden = page.total <= PAGE;
    const step = (offset, name) => {
      const made = button(name, "plain", async () => {
        filter.offset = offset;
        await load();
        section.scrollIntoView({ block: "start" });
        (pager.querySelector("button:not(:disabled)") || words).focus({ preventScroll: true });
      });
      made.disabled = offset < 0 || offset >= page.total;
      return made;
    };
    const last = Math.min(filter.offset + PAGE, page.total);
    const shown = t("evaluate.rows", { first: number(filter.offset + 1), last: number(last), total: number(page.total) });
    pager.replaceChildren(
      step(filter.offset - PAGE, t("evaluate.previous")),
      element("span", "rows", shown),
      step(filter.offset + PAGE, t("evaluate.next")),
    );
  }

  const changed = () => {
    Object.assign(filter, { offset: 0, outcome: outcome.value, type: type.value, words: words.value });
    load();
  };
  let typing = null;
  words.addEventListener("input", () => {
    clearTimeout(typing);
    typing = setTimeout(changed, TYPING_MS);
  });
  outcome.addEventListener("change", changed);
  type.addEventListener("change", changed);
  await load(wantedId);
}

function scoreText(value) {
  if (value === null || value === undefined) return "–";
  if (typeof value === "boolean") return t(value ? "evaluate.yes" : "evaluate.no");
  return measured(value);
}

// The row of a question, and below it the row that its answer opens in.
function questionRow(run, row, open) {
  const line = element("tr", "question-row");
  const name = element("th", "asked");
  name.scope = "row";
  const opener = button("", "opener", () => toggle());
  opener.append(element("span", "asked-words", row.question));
  opener.setAttribute("aria-expanded", "false");
  name.append(opener, element("span", "type-below", row.type));
  const outcome = element("td", "outcome");
  outcome.append(element("span", `badge ${row.outcome}`, t(`evaluate.outcome_${row.outcome}`)));
  line.append(name, element("td", "type", row.type), outcome);
  SCORES.forEach((score) => line.append(element("td", "num score", scoreText(row.scores[score]))));
  line.append(element("td", "num score", row.confidence === null ? "–" : share(row.confidence)));
  const below = element("tr", "answer-row");
  below.hidden = true;
  const cell = element("td");
  cell.colSpan = line.children.length;
  below.append(cell);
  let loaded = false;

  async function toggle() {
    below.hidden = !below.hidden;
    opener.setAttribute("aria-expanded", String(!below.hidden));
    line.classList.toggle("open", !below.hidden);
    if (below.hidden || loaded) return;
    loaded = true;
    cell.replaceChildren(element("p", "quiet-text", t("evaluate.opening")));
    try {
      const found = await fetchJson(`${API}/${run.run_id}/questions/${row.number}`);
      cell.replaceChildren(answerBesideGold(found));
    } catch (error) {
      loaded = false;
      cell.replaceChildren(element("p", "problem", error.message));
    }
  }

  if (open) toggle();
  return [line, below];
}
