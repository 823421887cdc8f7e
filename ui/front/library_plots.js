// How the articles spread over time and sources, drawn with DOM calls; every figure stands there as text as well.

import { button, element, number, t, tCount } from "./dom.js";

const SVG = "http://www.w3.org/2000/svg";
const HEIGHT = 118; // CSS pixels of the plot over time
const FOOT = 20; // of them for the labels below
const TOP = 16; // and above, for the largest number
const LABEL = 56; // that a label below takes, the space beside it included

function shape(tag, attributes, text) {
  const made = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  if (text !== undefined) made.textContent = text;
  return made;
}

function periodName(period, unit) {
  if (unit === "decade") return t("library.decade", { year: period });
  if (unit === "year") return period;
  const [year, month] = period.split("-").map(Number);
  const language = document.documentElement.lang || "en";
  return new Date(Date.UTC(year, month - 1, 1)).toLocaleDateString(language, {
    month: "short",
    year: "numeric",
    timeZone: "UTC",
  });
}

function timePlot(overview, width) {
  const { periods, unit } = overview;
  const most = Math.max(...periods.map((period) => period.count));
  const first = periodName(periods[0].period, unit);
  const last = periodName(periods[periods.length - 1].period, unit);
  const plot = shape("svg", { width, height: HEIGHT, viewBox: `0 0 ${width} ${HEIGHT}`, role: "img" });
  plot.setAttribute("aria-label", t("library.time_summary", { first, last, most: number(most) }));
  const base = HEIGHT - FOOT;
  const step = width / periods.length;
  const wide = Math.max(1, Math.min(step * 0.72, 48));
  const every = Math.ceil(LABEL / step);
  plot.append(shape("line", { x1: 0, x2: width, y1: base + 0.5, y2: base + 0.5, class: "axis" }));
  periods.forEach(({ period, count }, index) => {
    const middle = step * (index + 0.5);
    const high = (count / most) * (base - TOP);
    if (count) {
      const bar = shape("rect", { x: middle - wide / 2, y: base - high, width: wide, height: high, class: "bar" });
      bar.append(shape("title", {}, `${periodName(period, unit)}: ${number(count)}`));
      plot.append(bar);
      if (step >= 22) plot.append(shape("text", { x: middle, y: base - high - 4, class: "value" }, number(count)));
    }
    if (index % every === 0) {
      const [tooFarLeft, tooFarRight] = [middle < LABEL / 2, middle + LABEL / 2 > width];
      const anchored = tooFarLeft
        ? { x: 0, class: "label first" }
        : tooFarRight
          ? { x: width, class: "label last" }
          : { x: middle, class: "label" };
      plot.append(shape("text", { ...anchored, y: HEIGHT - 5 }, periodName(period, unit)));
    }
  });
  return plot;
}

function figuresTable(overview) {
  const table = element("table", "plot-table");
  const head = element("tr");
  [t("library.period"), t("source.articles")].forEach((name) => {
    const header = element("th", "", name);
    header.scope = "col";
    head.append(header);
  });
  const group = element("thead");
  group.append(head);
  const body = element("tbody");
  const add = (name, count) => {
    const row = element("tr");
    const header = element("th", "", name);
    header.scope = "row";
    row.append(header, element("td", "", number(count)));
    body.append(row);
  };
  overview.periods.filter(({ count }) => count).forEach(({ period, count }) => add(periodName(period, overview.unit), count));
  if (overview.undated) add(t("library.undated"), overview.undated);
  table.append(group, body);
  return table;
}

function overTime(overview) {
  const figure = element("figure", "plot plot-time");
  figure.append(element("figcaption", "", t(`library.by_${overview.unit}`)));
  if (overview.periods.length) {
    const place = element("div", "plot-place");
    figure.append(place);
    const draw = () => {
      const width = Math.floor(place.clientWidth);
      if (width > 0 && width !== Number(place.firstChild?.getAttribute("width"))) {
        place.replaceChildren(timePlot(overview, width));
      }
    };
    new ResizeObserver(draw).observe(place);
  }
  if (overview.undated) figure.append(element("p", "hint", tCount("library.undated_count", overview.undated)));
  if (overview.periods.length) {
    const details = element("details", "plot-figures");
    details.append(element("summary", "", t("library.figures")), figuresTable(overview));
    figure.append(details);
  }
  return figure;
}

function bySource(overview, onSource) {
  const figure = element("figure", "plot plot-sources");
  figure.append(element("figcaption", "", t("library.by_source")));
  const list = element("ul", "source-bars");
  const rows = overview.sources.map(({ source, count }) => [button(source, "link", () => onSource(source)), count]);
  const others = overview.other_sources;
  if (others.count) rows.push([element("span", "", tCount("library.other_sources", others.sources)), others.count]);
  if (overview.without_source) {
    rows.push([element("span", "", t("library.without_source")), overview.without_source]);
  }
  const most = Math.max(1, ...rows.map(([, count]) => count));
  for (const [named, count] of rows) {
    const row = element("li");
    named.classList.add("source-name");
    named.dir = "auto";
    named.title = named.textContent;
    const bar = shape("svg", { height: 10, width: "100%", "aria-hidden": "true", class: "source-bar" });
    bar.append(shape("rect", { x: 0, y: 0, height: 10, width: `${Math.max((count / most) * 100, 1)}%`, class: "bar" }));
    row.append(named, bar, element("span", "source-count", number(count)));
    list.append(row);
  }
  figure.append(list);
  return figure;
}

// Draws both into `node`. `onSource` is called with the name of a source that somebody wants to see.
export function drawPlots(node, overview, onSource) {
  const drawn = String(overview.generation);
  if (node.dataset.generation === drawn) return;
  node.dataset.generation = drawn;
  node.replaceChildren();
  if (overview.articles) node.append(overTime(overview), bySource(overview, onSource));
}
