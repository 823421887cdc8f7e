// Two runs of the same questions: what changed, by how much, and whether chance could have made it.

import { button, element, fetchJson, number, t } from "./dom.js";
import { API, day, link, madeWith, measured, place, setName } from "./evaluate_parts.js";

const FLIPS_SHOWN = 20; // questions listed before the rest is asked for

export async function showComparison(body, a, b, here) {
  body.append(link(t("evaluate.back"), "back", place()), element("h2", "", t("evaluate.comparison")));
  let found;
  try {
    found = await fetchJson(`${API}/compare?${new URLSearchParams({ a: a || "", b: b || "" })}`);
  } catch (error) {
    const said = element("p", "problem", error.message);
    said.setAttribute("role", "alert");
    body.append(element("p", "quiet-text", t("evaluate.not_comparable")), said);
    return;
  }
  body.append(sides(found, a, b));
  found.notes.forEach((note) => body.append(element("p", "notice", note)));
  body.append(measures(found), flips(found, a, b));
}

function sides(found, a, b) {
  const list = element("dl", "compared");
  [
    ["A", a, found.runs.a],
    ["B", b, found.runs.b],
  ].forEach(([name, id, run]) => {
    const term = element("dt", "", name);
    const said = element("dd");
    const known = element("span", "set-known", [day(run.created), ...madeWith(run)].join(" · "));
    said.append(link(setName(run), "", place(id)), known);
    list.append(term, said);
  });
  const whole = element("div", "panel");
  const counted = [t("evaluate.common", { count: number(found.n) })];
  if (found.only_a) counted.push(t("evaluate.only", { count: number(found.only_a), run: "A" }));
  if (found.only_b) counted.push(t("evaluate.only", { count: number(found.only_b), run: "B" }));
  whole.append(list, element("p", "known-line", counted.join(" · ")));
  const turned = link(t("evaluate.swap"), "plain", place("compare", b, a));
  whole.append(turned);
  return whole;
}

// What a measure is called: those of answers as in the tables, those of rankings by their level and usual name.
function measureName(name) {
  const [level, measure] = name.split(".");
  return measure ? `${measure}, ${t(`evaluate.level_${level}`)}` : t(`evaluate.score_${name}`);
}

const probability = (p) => (p === null ? "–" : p < 0.001 ? `< ${measured(0.001)}` : measured(p));

function measures(found) {
  const section = element("section", "measures");
  section.append(element("h3", "", t("evaluate.measures")), element("p", "hint", t("evaluate.measures_hint")));
  const table = element("table", "measures-table");
  const head = element("tr");
  ["measure", "a", "b", "difference", "interval", "p", "p_holm", "wins"].forEach((name, index) => {
    const cell = element("th", index ? "num" : "", t(`evaluate.compare_${name}`));
    cell.scope = "col";
    head.append(cell);
  });
  const thead = element("thead");
  thead.append(head);
  const tbody = element("tbody");
  Object.entries(found.metrics).forEach(([name, one]) => {
    const row = element("tr");
    const arrow = one.higher_is_better === false ? " ↓" : one.higher_is_better === null ? " ~" : "";
    const first = element("th", "", measureName(name) + arrow);
    first.scope = "row";
    const signed = (one.difference > 0 ? "+" : "") + measured(one.difference);
    const sure = one.low !== null && (one.low > 0 || one.high < 0);
    const interval = one.low === null ? "–" : `${measured(one.low)} … ${measured(one.high)}`;
    row.append(
      first,
      element("td", "num", measured(one.a)),
      element("td", "num", measured(one.b)),
      element("td", sure ? "num main" : "num", signed),
      element("td", "num quiet-cell", interval),
      element("td", "num", probability(one.p)),
      element("td", "num", probability(one.p_holm)),
      element("td", "num", one.wins === null ? "–" : [one.wins, one.ties, one.losses].map(number).join(" / ")),
    );
    tbody.append(row);
  });
  table.append(thead, tbody);
  const scroller = element("div", "scroll");
  scroller.tabIndex = 0;
  scroller.setAttribute("role", "region");
  scroller.setAttribute("aria-label", t("evaluate.measures"));
  scroller.append(table);
  section.append(scroller);
  return section;
}

function flips(found, a, b) {
  const section = element("section", "flips");
  section.append(element("h3", "", t("evaluate.flips")));
  const better = found.flipped.filter((flip) => flip.better === true).length;
  const worse = found.flipped.filter((flip) => flip.better === false).length;
  if (!found.flipped.length) {
    section.append(element("p", "quiet-text", t("evaluate.no_flips")));
    return section;
  }
  const said = { count: number(found.flipped.length), better: number(better), worse: number(worse) };
  section.append(element("p", "hint", t("evaluate.flips_counted", said)));
  const list = element("ul", "flip-list");
  const show = (some) => some.forEach((flip) => list.append(flipItem(flip, a, b)));
  show(found.flipped.slice(0, FLIPS_SHOWN));
  section.append(list);
  if (found.flipped.length > FLIPS_SHOWN) {
    const more = button(t("evaluate.show_all"), "plain", () => {
      show(found.flipped.slice(FLIPS_SHOWN));
      more.remove();
      list.children[FLIPS_SHOWN]?.querySelector("a")?.focus();
    });
    section.append(more);
  }
  return section;
}

function flipItem(flip, a, b) {
  const item = element("li");
  const verdict = flip.better === null ? "neither" : flip.better ? "better" : "worse";
  const head = element("p", "flip-head");
  head.append(element("span", `badge ${verdict}`, t(`evaluate.flip_${verdict}`)), " ", element("span", "asked-words", flip.question));
  item.append(head);
  const pair = element("div", "sides");
  [
    ["A", a, flip.a],
    ["B", b, flip.b],
  ].forEach(([name, id, side]) => {
    const one = element("div");
    const known = element("p", "set-known");
    known.append(link(`${name}: ${t(`evaluate.side_${side.outcome}`)}`, "", place(id, "questions", flip.id)));
    const text = element("p", "flip-answer", side.answer);
    text.dir = "auto";
    one.append(known, text);
    pair.append(one);
  });
  item.append(pair);
  return item;
}
