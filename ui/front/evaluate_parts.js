// What the parts of the evaluation view share: addresses, numbers, states and buttons that ask back.

import { button, element, number, t, tCount } from "./dom.js";

export const API = "api/evaluations";

const language = () => document.documentElement.lang || "en";

// The address of a part of the view: `place(run.run_id, "questions")`.
export const place = (...parts) => ["#evaluate", ...parts.map(encodeURIComponent)].join("/");

export function link(text, className, address) {
  const made = element("a", className, text);
  made.href = address;
  return made;
}

let labels = 0;

// A control under its label.
export function labelled(text, control, hint) {
  labels += 1;
  control.id = control.id || `evaluate-field-${labels}`;
  const made = element("div", "field");
  const name = element("label", "", text);
  name.htmlFor = control.id;
  made.append(name, control);
  if (hint) {
    const said = element("p", "hint", hint);
    said.id = `${control.id}-hint`;
    control.setAttribute("aria-describedby", said.id);
    made.append(said);
  }
  return made;
}

export function select(options, chosen) {
  const made = element("select");
  options.forEach(([value, text]) => {
    const option = element("option", "", text);
    option.value = value;
    option.selected = value === chosen;
    made.append(option);
  });
  return made;
}

export const share = (value) =>
  value.toLocaleString(language(), { minimumFractionDigits: 2, maximumFractionDigits: 2 });

// A number of any size in about three digits.
export function measured(value) {
  const size = Math.abs(value);
  const digits = size >= 100 ? 0 : size >= 10 ? 1 : 3;
  return value.toLocaleString(language(), { minimumFractionDigits: digits, maximumFractionDigits: digits });
}

// A figure of the report with its 95% interval.
export function figure(found) {
  const made = element("span", "figure");
  if (!found || found.value === null) {
    made.textContent = "–";
    return made;
  }
  made.append(element("span", "value", share(found.value)));
  if (found.low !== null) made.append(element("span", "range", `${share(found.low)}–${share(found.high)}`));
  return made;
}

export function day(iso) {
  return new Date(iso).toLocaleString(language(), { dateStyle: "medium", timeStyle: "short" });
}

export function duration(seconds) {
  const whole = Math.max(0, Math.round(seconds));
  const [hours, minutes, rest] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60, whole % 60];
  if (hours) return t("evaluate.hours", { hours, minutes });
  if (minutes) return t("evaluate.minutes", { minutes, seconds: rest });
  return t("evaluate.seconds", { seconds: rest });
}

export const isActive = (run) => run.state === "running" || run.state === "waiting";
export const canGoOn = (run) =>
  ["cancelled", "interrupted", "failed"].includes(run.state) || (run.state === "done" && run.failures > 0);

export const setName = (run) =>
  run.set_kind === "uploaded" || run.kind === "uploaded"
    ? run.set_name || run.name
    : t(`evaluate.set_${(run.set_id || "").replaceAll("-", "_")}`);

// How a run stands, in a few words.
export function stateText(run) {
  if (run.state === "waiting") return t("evaluate.state_waiting");
  if (run.state === "running") {
    if (run.stopping) return t("evaluate.stopping");
    return run.done ? t("evaluate.done_of", { done: number(run.done), total: number(run.total) }) : t("evaluate.starting");
  }
  if (run.state === "done") return t("evaluate.state_done");
  const name = t(`evaluate.state_${run.state}`);
  const done = t("evaluate.done_of", { done: number(run.done), total: number(run.total) });
  return run.done ? `${name}, ${done}` : name;
}

// What was asked, and by whom it was answered.
export function madeWith(run) {
  const asked = run.limit === null ? tCount("evaluate.questions", run.total) : tCount("evaluate.part", run.total);
  return [asked, run.model, `k ${run.k}`];
}

// A button that asks back before it does something that cannot be undone.
export function askingButton(text, className, question, yes, onYes) {
  const whole = element("span", "asking");
  const back = (focused) => {
    const again = button(text, className, ask);
    whole.replaceChildren(again);
    if (focused) again.focus();
  };
  function ask() {
    const sure = button(yes, "danger", async () => {
      sure.disabled = true;
      if ((await onYes()) === false) back(true);
    });
    const keep = button(t("evaluate.keep"), "plain", () => back(true));
    const said = element("span", "question", question);
    whole.replaceChildren(said, sure, keep);
    whole.onkeydown = (event) => {
      if (event.key !== "Escape") return;
      event.preventDefault();
      back(true);
    };
    sure.setAttribute("aria-label", `${question} ${yes}`);
    sure.focus();
  }
  back(false);
  return whole;
}

// A place for one sentence about what went wrong, read out when it comes.
export function problemLine() {
  const made = element("p", "problem");
  made.setAttribute("role", "alert");
  made.hidden = true;
  return {
    node: made,
    say(text) {
      made.textContent = text || "";
      made.hidden = !text;
      if (text) made.scrollIntoView({ block: "nearest" });
    },
  };
}
