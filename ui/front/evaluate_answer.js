// One answer beside its gold: what was said and cited, what is accepted, and why it counts as it does.

import { button, element, t } from "./dom.js";
import { openSource } from "./source.js";
import { measured, share } from "./evaluate_parts.js";

const MARK = /\[(\d{1,4})\]/g;
const SHORT_ANSWER = /^\*\*([^*\n]+)\*\* — /;
const WEAK = ["partial", "unsupported"];

export function answerBesideGold(found) {
  const whole = element("div", "beside");
  found.history.forEach((turn) => {
    whole.append(element("p", "before", t("evaluate.asked_after", { question: turn.question, answer: turn.answer })));
  });
  if (found.as_of) whole.append(element("p", "before", t("evaluate.as_of", { day: found.as_of })));
  const sides = element("div", "sides");
  sides.append(answerSide(found), goldSide(found));
  whole.append(sides, scores(found));
  return whole;
}

function answerSide(found) {
  const side = element("section", "answer-side");
  side.append(element("h3", "", t("evaluate.answer")));
  if (found.failure) {
    side.append(element("p", "problem", found.failure));
    return side;
  }
  const { answer } = found;
  if (answer.standalone_question && answer.standalone_question !== found.question) {
    side.append(element("p", "before", t("evaluate.asked_as", { question: answer.standalone_question })));
  }
  const text = element("div", "answer-text");
  text.dir = "auto";
  answer.answer.split(/\n\s*\n/).forEach((paragraph) => text.append(withMarks(paragraph, answer)));
  side.append(text);
  if (answer.refusal) side.append(element("p", "reason", t(`evaluate.refusal_${answer.refusal.reason}`)));
  side.append(...checks(answer));
  (answer.notices || []).forEach((notice) => side.append(element("p", "reason", notice)));
  const cited = element("ul", "cited");
  answer.citations.forEach((citation) => {
    const item = element("li");
    item.append(mark(citation, answer), " ", element("span", "from", citation.title || citation.origin));
    const words = element("q", "", citation.cited_text);
    words.dir = "auto";
    item.append(words);
    cited.append(item);
  });
  if (answer.citations.length) side.append(element("h4", "", t("evaluate.cited")), cited);
  return side;
}

function mark(citation, answer) {
  const made = button(`[${citation.number}]`, "cite", () =>
    openSource(citation.article_id, citation.start_char_index, citation.end_char_index, made, answer),
  );
  made.setAttribute("aria-label", t("evaluate.open_citation", { number: citation.number }));
  return made;
}

// A paragraph of the answer; a mark without a citation stays plain text.
function withMarks(paragraph, answer) {
  const made = element("p");
  const short = SHORT_ANSWER.exec(paragraph);
  let done = 0;
  if (short) {
    made.append(element("strong", "", short[1]), " — ");
    done = short[0].length;
  }
  for (const match of paragraph.matchAll(MARK)) {
    const citation = answer.citations.find((one) => one.number === Number(match[1]));
    if (!citation || match.index < done) continue;
    made.append(paragraph.slice(done, match.index), mark(citation, answer));
    done = match.index + match[0].length;
  }
  made.append(paragraph.slice(done));
  return made;
}

// How the statements were checked: how many of each label, and each weak one with what is not borne out.
function checks(answer) {
  if (!answer.statements.length) return [];
  const counted = {};
  answer.statements.forEach((statement) => {
    counted[statement.support] = (counted[statement.support] || 0) + 1;
  });
  const said = Object.entries(counted).map(([support, count]) => `${t(`evaluate.support_${support}`)}: ${count}`);
  const line = element("p", "checks", t("evaluate.statements", { counts: said.join(", ") }));
  const list = element("ul", "weak");
  answer.statements
    .filter((statement) => WEAK.includes(statement.support))
    .forEach((statement) => {
      const item = element("li");
      item.append(element("span", `label ${statement.support}`, t(`evaluate.support_${statement.support}`)));
      item.append(" ", statement.text.replace(/\s*\[\d{1,4}\]/g, ""));
      const problems = statement.problems.map((one) => t(`evaluate.problem_${one.kind}`, { detail: one.detail }));
      if (problems.length) item.append(element("span", "problems", problems.join("; ")));
      list.append(item);
    });
  return list.children.length ? [line, list] : [line];
}

function goldSide(found) {
  const side = element("section", "gold-side");
  side.append(element("h3", "", t("evaluate.gold")));
  if (!found.answerable) {
    side.append(element("p", "", t("evaluate.gold_refusal")));
    return side;
  }
  const accepted = found.answers_all.length ? found.answers_all : found.answers;
  if (accepted.length) {
    if (accepted.length > 1) side.append(element("p", "hint", t(found.answers_all.length ? "evaluate.all_of" : "evaluate.any_of")));
    const list = element("ul", "accepted");
    accepted.forEach((text) => {
      const item = element("li", "", text);
      item.dir = "auto";
      list.append(item);
    });
    side.append(list);
  }
  if (found.reference) {
    const reference = element("p", "reference", found.reference);
    reference.dir = "auto";
    side.append(element("h4", "", t("evaluate.reference")), reference);
  }
  if (found.evidence.length) side.append(element("h4", "", t("evaluate.evidence")));
  found.evidence.forEach((one) => side.append(quote(one)));
  return side;
}

// The words of a quote open them in their article, if the library holds it.
function quote(one) {
  const made = element("figure", "gold-quote");
  const name = one.title || one.article;
  const words = one.quote ?? t("evaluate.whole_article");
  if (one.article_id) {
    const opener = button(words, "quote", () => openSource(one.article_id, one.start, one.end, opener));
    opener.dir = "auto";
    opener.title = t("evaluate.open_quote");
    made.append(opener);
  } else {
    const plain = element("blockquote", "quote", words);
    plain.dir = "auto";
    made.append(plain);
  }
  made.append(element("figcaption", "", one.article_id ? name : t("evaluate.not_held", { name })));
  return made;
}

function scores(found) {
  const box = element("section", "scores");
  box.append(element("h3", "", t("evaluate.scores")));
  const list = element("dl");
  const add = (name, value) => {
    const pair = element("div");
    pair.append(element("dt", "", name), element("dd", "", value));
    list.append(pair);
  };
  Object.entries(found.scores).forEach(([name, value]) => {
    if (name === "answerable" || name === "refused") return;
    add(t(`evaluate.score_${name}`), typeof value === "boolean" ? t(value ? "evaluate.yes" : "evaluate.no") : measured(value));
  });
  if (found.answer) {
    add(t("evaluate.confidence"), share(found.answer.confidence));
    add(t("evaluate.model"), found.answer.model);
  }
  if (found.judgement) {
    ["faithfulness", "relevancy", "nuggets"].forEach((name) => {
      if (found.judgement[name] !== null) add(`${t(`evaluate.judge_${name}`)} (${found.judgement.judge})`, measured(found.judgement[name]));
    });
    if (found.judgement.failure) box.append(element("p", "problem", found.judgement.failure));
  }
  if (list.children.length) box.append(list);
  if (found.faults.length) {
    const why = element("ul", "faults");
    found.faults.forEach((sentence) => why.append(element("li", "", sentence)));
    box.append(why);
  }
  box.append(element("p", "identifier", `${found.id} · ${found.type}`));
  return box;
}
