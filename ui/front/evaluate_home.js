// The first page of the evaluations: what can be run, and what was.

import { announce, button, element, fetchJson, number, part, sendJson, t, tCount } from "./dom.js";
import {
  API,
  askingButton,
  canGoOn,
  day,
  figure,
  isActive,
  labelled,
  link,
  madeWith,
  place,
  problemLine,
  select,
  setName,
  stateText,
} from "./evaluate_parts.js";

const FEW = 20; // questions that a first look asks, where the set has more
const TYPES_SHOWN = 6;

let chosenSet = null; // the set that was chosen last, which stays chosen when the page is drawn anew

export async function showHome(body, here) {
  const all = await fetchJson(API);
  body.append(element("h2", "", t("evaluate.title")), element("p", "lead", t("evaluate.lead")));
  body.append(startForm(all, here), runList(all.runs, here));
}

// One set to choose, with what there is to know of it.
function setChoice(set, checked, here, problem) {
  const row = element("div", "set");
  const radio = element("input");
  Object.assign(radio, { type: "radio", name: "evaluate-set", value: set.set_id, checked, id: `set-${set.set_id}` });
  const label = element("label");
  label.htmlFor = radio.id;
  label.append(element("span", "set-name", setName({ ...set, set_name: set.name })));
  const types = Object.entries(set.types).sort((one, other) => other[1] - one[1]);
  const named = types.slice(0, TYPES_SHOWN).map(([name, count]) => `${name} ${number(count)}`);
  if (types.length > TYPES_SHOWN) named.push("…");
  const parts = [tCount("evaluate.questions", set.questions)];
  if (set.questions > set.answerable) parts.push(tCount("evaluate.unanswerable", set.questions - set.answerable));
  label.append(element("span", "set-known", parts.join(", ")));
  label.append(element("span", "set-known", named.join(" · ")));
  if (set.kind === "shipped") label.append(element("span", "set-known", t("evaluate.about_sample_articles")));
  if (set.kind === "feedback") label.append(element("span", "set-known", t("evaluate.about_feedback")));
  if (set.missing) {
    const said = t("evaluate.missing", { missing: number(set.missing), articles: number(set.articles) });
    label.append(element("span", "set-missing", said));
  }
  row.append(radio, label);
  radio.addEventListener("change", () => problem.say(""));
  if (set.kind === "uploaded") {
    const remove = async () => {
      try {
        await fetchJson(`${API}/sets/${set.set_id}`, { method: "DELETE" });
        announce(t("evaluate.set_deleted"));
        await here.refresh();
      } catch (error) {
        problem.say(error.message);
        return false;
      }
      return true;
    };
    const ask = t("evaluate.delete_set", { name: set.name });
    row.append(askingButton(t("evaluate.delete"), "quiet", ask, t("evaluate.delete"), remove));
  }
  return row;
}

function startForm(all, here) {
  const form = element("form", "panel start");
  form.append(element("h3", "", t("evaluate.new_run")));
  const problem = problemLine();
  const sets = element("fieldset", "sets");
  sets.append(element("legend", "", t("evaluate.set")));
  const chosen = all.sets.find((set) => set.set_id === chosenSet) || all.sets.find((set) => !set.missing) || all.sets[0];
  all.sets.forEach((set) => sets.append(setChoice(set, set === chosen, here, problem)));
  sets.append(upload(problem, here));

  const models = select(all.models.map((name) => [name, name]), all.models[0]);
  const k = element("input");
  Object.assign(k, { type: "number", min: 1, max: all.max_k, value: all.k, required: true });
  const count = element("input");
  Object.assign(count, { type: "number", min: 1 });
  const own = element("input");
  own.type = "checkbox";
  own.id = "evaluate-own-articles";
  const ownRow = element("div", "check");
  const ownLabel = element("label", "", t("evaluate.own_articles"));
  ownLabel.htmlFor = own.id;
  ownRow.append(own, ownLabel);
  const look = () => {
    const id = form.querySelector("input[name=evaluate-set]:checked")?.value;
    const set = all.sets.find((one) => one.set_id === id);
    if (!set) return;
    chosenSet = set.set_id;
    count.max = set.questions;
    count.value = set.questions;
    countHint.textContent = t("evaluate.count_hint", { total: number(set.questions), few: Math.min(FEW, set.questions) });
    ownRow.hidden = !set.brings_articles;
    own.checked = set.brings_articles;
    begin.disabled = set.missing > 0;
  };
  const fields = element("div", "fields");
  const countField = labelled(t("evaluate.count"), count, " ");
  const countHint = countField.querySelector(".hint");
  fields.append(
    labelled(t("evaluate.model"), models),
    labelled(t("evaluate.k"), k, t("evaluate.k_hint")),
    countField,
  );
  const begin = button(t("evaluate.start"), "primary");
  begin.type = "submit";
  form.append(sets, fields, ownRow, problem.node, begin);
  sets.addEventListener("change", look);
  look();
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    problem.say("");
    begin.disabled = true;
    const wanted = {
      set: form.querySelector("input[name=evaluate-set]:checked").value,
      model: models.value,
      k: Number(k.value),
      limit: Number(count.value) || null,
      own_articles: own.checked,
    };
    try {
      const run = await sendJson("POST", API, wanted);
      announce(t("evaluate.started"));
      window.location.hash = place(run.run_id);
    } catch (error) {
      problem.say(error.message);
      begin.disabled = false;
    }
  });
  return form;
}

// A file is checked as soon as it is chosen.
function upload(problem, here) {
  const row = element("div", "upload");
  const file = element("input", "unseen-file");
  Object.assign(file, { type: "file", id: "evaluate-file", accept: ".json,.jsonl,.ndjson,application/json" });
  const label = element("label", "plain", t("evaluate.upload"));
  label.htmlFor = file.id;
  const said = element("span", "hint", t("evaluate.upload_hint"));
  row.append(file, label, said);
  file.addEventListener("change", async () => {
    const given = file.files[0];
    if (!given) return;
    problem.say("");
    said.textContent = t("evaluate.checking", { name: given.name });
    announce(said.textContent);
    try {
      const address = `${API}/sets?name=${encodeURIComponent(given.name)}`;
      const headers = { "content-type": "application/octet-stream" };
      const set = await fetchJson(address, { method: "POST", headers, body: given });
      announce(t("evaluate.added", { name: set.name }));
      chosenSet = set.set_id;
      await here.refresh();
      part(`set-${set.set_id}`)?.focus();
    } catch (error) {
      said.textContent = t("evaluate.upload_hint");
      problem.say(error.message);
      file.value = "";
    }
  });
  return row;
}

const FIGURES = ["contains", "gold_quote", "rejected", "false_rate"];

function runList(runs, here) {
  const section = element("section", "runs");
  const title = element("h3", "", t("evaluate.runs"));
  section.append(title);
  if (!runs.length) {
    section.append(element("p", "quiet-text", t("evaluate.no_runs")));
    return section;
  }
  const compare = button(t("evaluate.compare"), "plain", () => {
    const [later, earlier] = chosen();
    window.location.hash = place("compare", earlier, later);
  });
  const hint = element("span", "hint", t("evaluate.compare_hint"));
  const tools = element("div", "tools");
  tools.append(compare, hint);
  const problem = problemLine();
  const scroller = element("div", "scroll");
  const table = element("table", "runs-table");
  const head = element("tr");
  head.append(heading("", t("evaluate.choose")));
  ["set", "date", "state"].forEach((name) => head.append(heading(t(`evaluate.column_${name}`))));
  FIGURES.forEach((name) => head.append(heading(t(`evaluate.figure_${name}`), "", "num")));
  head.append(heading("", t("evaluate.column_actions")));
  const thead = element("thead");
  thead.append(head);
  const rows = new Map();
  const tbody = element("tbody");
  const chosen = () => runs.map((run) => run.run_id).filter((id) => rows.get(id)?.box.checked);
  const lookAtBoxes = () => {
    const count = chosen().length;
    compare.disabled = count !== 2;
    rows.forEach((row) => {
      row.box.disabled = row.state !== "done" || (count === 2 && !row.box.checked);
    });
  };
  runs.forEach((run) => {
    const row = runRow(run, problem, () => watch(), () => {
      rows.delete(run.run_id);
      lookAtBoxes();
      title.tabIndex = -1;
      title.focus({ preventScroll: true });
      if (!rows.size) scroller.replaceWith(element("p", "quiet-text", t("evaluate.no_runs")));
    });
    rows.set(run.run_id, row);
    row.box.addEventListener("change", lookAtBoxes);
    tbody.append(row.node);
  });
  table.append(thead, tbody);
  scroller.append(table);
  section.append(tools, problem.node, scroller);
  lookAtBoxes();
  let watching = false;
  const watch = () => {
    if (watching) return;
    watching = true;
    here.again(look);
  };
  const look = async () => {
    watching = false;
    let now;
    try {
      now = (await fetchJson(`${API}/runs`)).runs;
    } catch (error) {
      problem.say(error.message);
      watch();
      return;
    }
    problem.say("");
    if (!here.isCurrent()) return;
    let changed = false;
    now.forEach((run) => {
      const row = rows.get(run.run_id);
      if (row && row.state !== run.state) changed = true;
      row?.update(run);
    });
    if (changed) lookAtBoxes();
    if (now.some(isActive)) watch();
  };
  if (runs.some(isActive)) watch();
  return section;
}

function heading(text, unseen, className = "") {
  const made = element("th", className, text);
  made.scope = "col";
  if (unseen) made.append(element("span", "unseen", unseen));
  return made;
}

function runRow(run, problem, watch, gone) {
  const node = element("tr");
  const box = element("input");
  box.type = "checkbox";
  box.setAttribute("aria-label", t("evaluate.choose_run", { name: setName(run), date: day(run.created) }));
  const first = element("td", "box");
  first.append(box);
  const name = element("th", "name");
  name.scope = "row";
  name.append(link(setName(run), "", place(run.run_id)), element("span", "set-known", madeWith(run).join(" · ")));
  const state = element("td", "state");
  const figures = FIGURES.map(() => element("td", "num"));
  const actions = element("td", "actions");
  node.append(first, name, element("td", "date", day(run.created)), state, ...figures, actions);
  const made = { node, box, state: null, update };

  function update(now) {
    state.textContent = stateText(now);
    state.className = `state ${now.state}`;
    if (made.state === now.state) return;
    if (made.state !== null) announce(`${setName(now)}: ${stateText(now)}`);
    const hadFocus = node.contains(document.activeElement) && node.querySelector("a");
    made.state = now.state;
    FIGURES.forEach((key, index) => {
      figures[index].dataset.label = t(`evaluate.figure_${key}`);
      figures[index].replaceChildren(...(now.state === "done" ? [figure(now.figures?.[key])] : []));
    });
    actions.replaceChildren(...buttons(now));
    if (hadFocus && !node.contains(document.activeElement)) node.querySelector("a").focus();
  }

  function buttons(now) {
    const act = (method, ending) => async () => {
      try {
        const after = await fetchJson(`${API}/${now.run_id}${ending}`, { method });
        if (method === "DELETE") {
          node.remove();
          announce(t("evaluate.run_deleted"));
          gone();
        } else {
          made.update(after);
          watch();
        }
      } catch (error) {
        problem.say(error.message);
        return false;
      }
      return true;
    };
    if (isActive(now)) return [button(t("evaluate.cancel"), "quiet", act("POST", "/cancel"))];
    const ask = t("evaluate.delete_run");
    const remove = askingButton(t("evaluate.delete"), "quiet", ask, t("evaluate.delete"), act("DELETE", ""));
    const goOn = canGoOn(now) && now.state !== "done";
    return goOn ? [button(t("evaluate.go_on"), "quiet", act("POST", "/resume")), remove] : [remove];
  }

  update(run);
  return made;
}
