// The answers of the conversation as documents: what `dateline ask --json` prints, by the identifier of the answer.

import { fetchJson } from "./dom.js";

const answers = new Map(); // exchange identifier → promise of its answer

// The identifier of the answer that a link of the conversation belongs to, `null` if it belongs to none.
export function answerId(node) {
  const link = node?.closest?.('[data-testid="bot"]')?.querySelector("a.permalink");
  return link ? link.getAttribute("href").split("/").pop() : null;
}

export function fetchAnswer(id) {
  if (!answers.has(id)) {
    const coming = fetchJson(`api/answers/${id}`).then((kept) => ({ ...kept.answer, exchange_id: id, owned: kept.owned }));
    coming.catch(() => answers.delete(id));
    answers.set(id, coming);
  }
  return answers.get(id);
}

// The answer behind a link; `null` where there is none or it cannot be had: the source opens all the same.
export async function answerBehind(node) {
  const id = answerId(node);
  if (id === null) return null;
  return fetchAnswer(id).catch(() => null);
}
