// Adding articles: files by button or by drag and drop, an address, a pasted text; and what became of each.

import { announce, button, element, number, part, t, tCount } from "./dom.js";
import { openSource } from "./source.js";
import { follow, sendAddress, sendFile, sendText } from "./library_jobs.js";

const KEPT_RESULTS = 200; // lines that are shown; older ones that are done go
const BIG = 256 * 1024; // bytes; sending less is over before its progress can be read

let limits = { suffixes: [], max_bytes: Infinity };
let lastId = 0;

const megabytes = (bytes) => number(Math.round((bytes / 2 ** 20) * 10) / 10);

function field(form, name, label, input = element("input")) {
  lastId += 1;
  Object.assign(input, { id: `library-field-${lastId}`, name });
  const row = element("div", `field field-${name}`);
  const named = element("label", "", label);
  named.htmlFor = input.id;
  row.append(named, input);
  form.append(row);
  return input;
}

// One line of the results, which changes while its article is sent and indexed.
function makeLine(results, name) {
  const item = element("li", "result");
  const named = element("span", "result-name", name);
  named.dir = "auto";
  const state = element("span", "result-state", t("library.waiting"));
  const bar = element("progress");
  bar.setAttribute("aria-label", name);
  bar.hidden = true;
  const failures = element("ul", "result-failures");
  item.append(named, state, bar, failures);
  results.list.prepend(item);
  results.node.hidden = false;
  const old = [...results.list.querySelectorAll(".result.over")].slice(KEPT_RESULTS);
  old.forEach((line) => line.remove());
  return {
    sent(done, all) {
      if (all < BIG) return;
      state.textContent =
        done < all
          ? t("library.sending", { done: megabytes(done), all: megabytes(all) })
          : t("library.waiting");
      Object.assign(bar, { hidden: done >= all, max: all, value: done });
    },
    change(job) {
      if (job === null) {
        state.textContent = t("page.unreachable");
        return;
      }
      bar.hidden = job.state !== "working";
      if (job.state === "waiting") state.textContent = job.problem || t("library.waiting");
      if (job.state !== "working") return;
      if (job.found > 1) {
        Object.assign(bar, { max: job.found, value: job.done });
        state.textContent = t("library.indexing_count", { done: number(job.done), found: number(job.found) });
      } else {
        bar.removeAttribute("value");
        state.textContent = t("library.indexing");
      }
    },
    end(job) {
      bar.hidden = true;
      item.classList.add("over");
      const failed = job.problem || job.failed > 0;
      item.classList.toggle("failed", Boolean(failed));
      state.textContent = said(job);
      const told = (job.failures || []).filter(() => !onlyFailure(job));
      failures.replaceChildren(
        ...told.map((failure) => {
          const line = [failure.record, failure.reason].filter(Boolean).join(": ");
          return element("li", "", line);
        }),
      );
      const untold = (job.failed || 0) - (job.failures || []).length;
      if (untold > 0) failures.append(element("li", "", tCount("library.more_failed", untold)));
      if (job.article_id) {
        const open = button(name, "result-name link", () => openSource(job.article_id, 0, 0, open));
        open.dir = "auto";
        named.replaceWith(open);
      }
    },
    fail(sentence) {
      this.end({ problem: sentence });
    },
  };
}

// A file of one article that could not be read: its reason is all there is to say.
const onlyFailure = (job) => job.failed === 1 && !job.added && !job.updated && !job.unchanged;

function said(job) {
  if (job.forgotten) return job.problem;
  if (job.problem) return t("library.failed_because", { reason: job.problem });
  if (onlyFailure(job)) return t("library.failed_because", { reason: job.failures[0].reason });
  const several = job.added + job.updated + job.unchanged + job.failed > 1;
  const counted = ["added", "updated", "unchanged", "failed"].filter((name) => job[name] > 0);
  if (!counted.length) return t("library.nothing_found");
  if (!several) return t(`library.${counted[0]}`);
  return counted.map((name) => t(`library.${name}_count`, { count: number(job[name]) })).join(", ");
}

function makeResults() {
  const node = element("section", "library-results");
  const title = element("h3", "", t("library.results"));
  title.id = "library-results-title";
  node.setAttribute("aria-labelledby", title.id);
  const summary = element("p", "results-summary");
  const list = element("ol", "results-list");
  const clear = button(t("library.clear"), "quiet-action", () => {
    list.querySelectorAll(".over").forEach((line) => line.remove());
    node.hidden = !list.children.length;
    summary.textContent = "";
    part("library-add").focus();
  });
  const head = element("div", "results-head");
  head.append(title, summary, clear);
  node.append(head, list);
  node.hidden = true;
  return { node, list, summary };
}

// The panel and the list of results. `onAdded` is called when articles have come in; `show` opens the panel.
export function makeAdding(view, onAdded, show) {
  const node = element("section", "library-adding");
  node.setAttribute("aria-label", t("library.add"));
  const results = makeResults();
  const tally = { over: 0, all: 0, failed: 0 };

  function note() {
    results.summary.textContent = t("library.results_summary", { done: number(tally.over), all: number(tally.all) });
    if (tally.over < tally.all) return;
    announce([results.summary.textContent, tally.failed ? tCount("library.lines_failed", tally.failed) : ""].join(" "));
    Object.assign(tally, { over: 0, all: 0, failed: 0 });
  }

  // Sends one thing and follows it. Gives whether it came in.
  async function run(line, send, onAccepted = () => {}) {
    let job = null;
    try {
      const accepted = await send();
      onAccepted();
      job = await follow(accepted, line.change);
      line.end(job);
    } catch (error) {
      line.fail(error.message);
    }
    tally.over += 1;
    if (!job || job.problem || job.failed) tally.failed += 1;
    note();
    if (job && job.added + job.updated > 0) onAdded();
  }

  function start(name) {
    tally.all += 1;
    const line = makeLine(results, name);
    results.summary.textContent = t("library.results_summary", { done: number(tally.over), all: number(tally.all) });
    return line;
  }

  // Files are sent one after the other; meanwhile those that have come are indexed.
  let sending = Promise.resolve();
  function addFiles(files) {
    const lines = [...files].map((file) => [file, start(file.name)]);
    if (lines.length) announce(tCount("library.files_taken", lines.length));
    for (const [file, line] of lines) {
      sending = sending.then(
        () =>
          new Promise((next) => {
            const send = () => {
              if (file.size > limits.max_bytes) {
                throw new Error(t("library.too_large", { size: megabytes(limits.max_bytes) }));
              }
              // Of a kind that is not read only the name is sent, to be told why.
              const isRead = limits.suffixes.some((suffix) => file.name.toLowerCase().endsWith(suffix));
              return sendFile(isRead ? file : new File([], file.name), line.sent);
            };
            run(line, async () => send(), next).then(next);
          }),
      );
    }
  }

  const drop = element("div", "drop");
  const input = element("input");
  Object.assign(input, { type: "file", multiple: true, hidden: true, id: "library-files" });
  input.setAttribute("aria-label", t("library.choose"));
  input.addEventListener("change", () => {
    addFiles(input.files);
    input.value = "";
  });
  const hint = element("p", "hint");
  const choose = button(t("library.choose"), "main-action", () => input.click());
  drop.append(element("p", "drop-text", t("library.drop")), choose, input, hint);

  const address = element("form", "address-form");
  address.noValidate = true;
  const addressInput = field(address, "address", t("library.address"));
  Object.assign(addressInput, { type: "url", inputMode: "url", autocomplete: "off", placeholder: "https://" });
  const addressButton = button(t("library.add_address"), "action");
  addressButton.type = "submit";
  address.querySelector(".field").append(addressButton);
  address.append(element("p", "hint", t("library.address_hint")));
  address.addEventListener("submit", (event) => {
    event.preventDefault();
    const given = addressInput.value.trim();
    if (!given) {
      addressInput.focus();
      return;
    }
    run(start(given), () => sendAddress(given), () => {
      addressInput.value = "";
    });
  });

  const paste = element("details", "paste");
  const form = element("form", "paste-form");
  form.noValidate = true;
  const area = element("textarea");
  area.rows = 8;
  const inputs = { title: field(form, "title", t("library.field_title")) };
  inputs.text = field(form, "text", t("library.field_text"), area);
  inputs.source = field(form, "source", t("library.field_source"));
  inputs.published = field(form, "published", t("library.field_date"));
  inputs.published.placeholder = "2017-06-03";
  inputs.url = field(form, "url", t("library.field_url"));
  inputs.url.placeholder = "https://";
  const textButton = button(t("library.add_text"), "action");
  textButton.type = "submit";
  const textProblem = element("p", "library-problem");
  textProblem.setAttribute("role", "alert");
  textProblem.hidden = true;
  form.append(textProblem, textButton);
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const fields = Object.fromEntries(Object.entries(inputs).map(([name, box]) => [name, box.value]));
    textButton.disabled = true;
    try {
      const job = await sendText(fields); // what is wrong with it is told beside it, where it can be mended
      textProblem.hidden = true;
      form.reset();
      run(start(job.name), async () => job);
      paste.open = false; // what becomes of it stands where it can be seen then
      paste.querySelector("summary").focus();
    } catch (error) {
      textProblem.textContent = error.message;
      textProblem.hidden = false;
      inputs.text.focus();
    }
    textButton.disabled = false;
  });
  paste.append(element("summary", "", t("library.paste")), form);

  const side = element("div", "adding-side");
  side.append(address, paste);
  const filesSide = element("div", "adding-files");
  filesSide.append(drop, results.node);
  node.append(filesSide, side);
  takeDrops(view, drop, (files) => {
    show(true);
    addFiles(files);
  }, () => !part("library-add").hidden);

  return {
    node,
    setLimits(given) {
      limits = given;
      const kinds = given.suffixes.join(" ");
      hint.textContent = t("library.kinds", { kinds, size: megabytes(given.max_bytes) });
    },
  };
}

// Files may be dropped anywhere on the view; one that misses it must not replace the page.
function takeDrops(view, drop, onFiles, isOpen) {
  const holdsFiles = (event) => [...(event.dataTransfer?.types || [])].includes("Files");
  const mark = (on) => drop.classList.toggle("over", on);
  const shown = () => document.documentElement.dataset.view === "library";
  document.addEventListener("dragover", (event) => {
    if (!holdsFiles(event) || !shown()) return;
    event.preventDefault();
    event.dataTransfer.dropEffect = isOpen() ? "copy" : "none";
    mark(isOpen() && view.contains(event.target));
  });
  document.addEventListener("dragleave", (event) => {
    if (event.relatedTarget === null) mark(false);
  });
  document.addEventListener("drop", (event) => {
    if (!holdsFiles(event) || !shown()) return;
    event.preventDefault();
    mark(false);
    if (isOpen()) onFiles(event.dataTransfer.files);
  });
}
