// One run: how it stands, its report, its questions.

import { announce, button, element, fetchJson, number, t } from "./dom.js";
import {
  API,
  askingButton,
  canGoOn,
  day,
  duration,
  isActive,
  link,
  madeWith,
  place,
  problemLine,
  setName,
  stateText,
} from "./evaluate_parts.js";
import { showQuestions } from "./evaluate_questions.js";

const FILES = ["report.html", "results.csv", "results.jsonl", "report.json"];

export async function showRun(body, runId, parts, here) {
  const run = await fetchJson(`${API}/${encodeURIComponent(runId)}`);
  const head = element("div", "run-head");
  head.append(link(t("evaluate.back"), "back", place()));
  head.append(element("h2", "", setName(run)));
  const known = element("p", "known-line", [day(run.created), ...madeWith(run)].join(" · "));
  if (run.own_articles) known.append(` · ${t("evaluate.asked_own")}`);
  head.append(known);
  body.append(head);
  if (run.state === "done") await finished(body, head, run, parts, here);
  else standing(body, run, here);
}

// The progress of a run, or why it is not finished.
function standing(body, run, here) {
  const box = element("section", "panel standing");
  const problem = problemLine();
  const said = element("p", "state-line");
  const bar = element("progress");
  bar.setAttribute("aria-label", t("evaluate.progress"));
  const times = element("p", "times");
  const tools = element("div", "tools");
  box.append(said, bar, times, problem.node, tools);
  body.append(box);
  let state = null;

  const act = (method, ending) => async () => {
    problem.say("");
    try {
      const after = await fetchJson(`${API}/${run.run_id}${ending}`, { method });
      if (method === "DELETE") {
        announce(t("evaluate.run_deleted"));
        window.location.hash = place();
      } else {
        draw(after);
        if (isActive(after)) here.again(look);
      }
    } catch (error) {
      problem.say(error.message);
      return false;
    }
    return true;
  };

  function draw(now) {
    bar.max = now.total;
    bar.value = now.done;
    bar.hidden = now.state === "failed" && !now.done;
    said.textContent = stateText(now);
    const spent = [];
    if (now.seconds) spent.push(t("evaluate.so_far", { time: duration(now.seconds) }));
    if (typeof now.seconds_left === "number") spent.push(t("evaluate.left", { time: duration(now.seconds_left) }));
    if (now.state === "waiting" && now.before) spent.push(t("evaluate.before", { count: number(now.before) }));
    times.textContent = spent.join(" · ");
    if (state !== now.state) {
      if (state !== null) announce(stateText(now));
      const hadFocus = tools.contains(document.activeElement);
      state = now.state;
      if (now.state === "failed") problem.say(now.message);
      tools.replaceChildren(...buttons(now));
      if (hadFocus) tools.querySelector("button")?.focus();
    }
    tools.querySelectorAll(".cancel").forEach((one) => {
      one.disabled = Boolean(now.stopping);
    });
  }

  function buttons(now) {
    if (isActive(now)) return [button(t("evaluate.cancel"), "plain cancel", act("POST", "/cancel"))];
    return [
      button(t("evaluate.go_on"), "primary", act("POST", "/resume")),
      askingButton(t("evaluate.delete"), "plain", t("evaluate.delete_run"), t("evaluate.delete"), act("DELETE", "")),
      element("p", "hint", t(now.state === "failed" ? "evaluate.failed_hint" : "evaluate.go_on_hint")),
    ];
  }

  async function look() {
    let now;
    try {
      now = await fetchJson(`${API}/${run.run_id}`);
    } catch (error) {
      problem.say(error.message);
      here.again(look);
      return;
    }
    if (!here.isCurrent()) return;
    if (now.state === "done") {
      announce(t("evaluate.state_done"));
      await here.refresh();
      return;
    }
    if (isActive(now)) problem.say("");
    draw(now);
    if (isActive(now)) here.again(look);
  }

  draw(run);
  if (isActive(run)) here.again(look);
}

async function finished(body, head, run, parts, here) {
  const problem = problemLine();
  const questions = parts[0] === "questions";
  const tabs = element("nav", "tabs");
  tabs.setAttribute("aria-label", t("evaluate.parts"));
  [
    ["evaluate.figures", place(run.run_id), !questions],
    ["evaluate.questions_tab", place(run.run_id, "questions"), questions],
  ].forEach(([key, address, current]) => {
    const tab = link(t(key), "", address);
    if (current) tab.setAttribute("aria-current", "page");
    tabs.append(tab);
  });
  const files = element("details", "files");
  // It lies over the page like a menu, and closes like one.
  files.addEventListener("focusout", (event) => {
    if (!files.contains(event.relatedTarget)) files.open = false;
  });
  files.addEventListener("keydown", (event) => {
    if (event.key !== "Escape" || !files.open) return;
    event.preventDefault();
    files.open = false;
    files.querySelector("summary").focus();
  });
  files.append(element("summary", "", t("evaluate.download")));
  const list = element("ul");
  FILES.forEach((name) => {
    const item = element("li");
    const file = link(name, "", `${API}/${run.run_id}/files/${name}`);
    file.download = "";
    item.append(file, element("span", "hint", t(`evaluate.file_${name.replace(".", "_")}`)));
    list.append(item);
  });
  files.append(list);
  const remove = askingButton(t("evaluate.delete"), "quiet", t("evaluate.delete_run"), t("evaluate.delete"), async () => {
    try {
      await fetchJson(`${API}/${run.run_id}`, { method: "DELETE" });
      announce(t("evaluate.run_deleted"));
      window.location.hash = place();
    } catch (error) {
      problem.say(error.message);
      return false;
    }
    return true;
  });
  const tools = element("div", "run-tools");
  tools.append(tabs, files, remove);
  head.append(tools, problem.node);
  if (canGoOn(run)) {
    const note = element("p", "failed-note", t("evaluate.some_failed", { count: number(run.failures) }));
    const again = button(t("evaluate.ask_again"), "plain", async () => {
      try {
        await fetchJson(`${API}/${run.run_id}/resume`, { method: "POST" });
        await here.refresh();
      } catch (error) {
        problem.say(error.message);
      }
    });
    note.append(again);
    head.append(note);
  }
  if (questions) await showQuestions(body, run, parts[1] || "", here);
  else body.append(report(run));
}

// The report that `eval` writes, in a frame without scripts that is as high as what it shows.
function report(run) {
  const frame = element("iframe", "report");
  frame.title = t("evaluate.figures");
  frame.setAttribute("sandbox", "allow-same-origin");
  frame.src = `${API}/${run.run_id}/report`;
  frame.addEventListener("load", () => {
    const inside = frame.contentDocument?.documentElement;
    if (!inside) return;
    const fit = () => {
      const height = Math.ceil(frame.contentDocument.body.getBoundingClientRect().height);
      if (height && frame.style.height !== `${height}px`) frame.style.height = `${height}px`;
    };
    new ResizeObserver(fit).observe(frame.contentDocument.body);
    fit();
  });
  return frame;
}
