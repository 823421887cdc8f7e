// What every script of the page uses: elements made of text, requests to the server, the texts of the interface.
//
// Text of articles, questions, models and files reaches the page as text nodes only; nothing of it is ever parsed as
// HTML.

export const part = (id) => document.getElementById(id);

// An element with a class and a text. Nothing in the text is read as markup.
export function element(tag, className, text) {
  const made = document.createElement(tag);
  if (className) made.className = className;
  if (text !== undefined && text !== null && text !== "") made.textContent = text;
  return made;
}

// A button that does something, with its name.
export function button(text, className, onClick) {
  const made = element("button", className, text);
  made.type = "button";
  if (onClick) made.addEventListener("click", onClick);
  return made;
}

const allTranslations = () => window.gradio_config?.i18n_translations || {};

// The language that the interface speaks to this reader.
export function language() {
  const wanted = (navigator.languages || [navigator.language]).map((name) => name.toLowerCase().split("-")[0]);
  return wanted.find((name) => name in allTranslations()) || "en";
}

const translations = () => allTranslations()[language()] || {};

// The text of a key in the reader's language, its placeholders `{name}` filled in; see ui/texts.py.
export function t(key, values = {}) {
  const text = translations()[key] ?? key;
  return text.replace(/\{(\w+)\}/g, (whole, name) => (name in values ? String(values[name]) : whole));
}

// The text of a key that counts.
export const tCount = (key, count, values = {}) =>
  t(`${key}_${count === 1 ? "one" : "other"}`, { count: number(count), ...values });

export const number = (value) => value.toLocaleString(document.documentElement.lang || "en");

// The document that the server answers with. Throws an Error with a sentence for people.
export async function fetchJson(address, options = {}) {
  let reply;
  try {
    reply = await fetch(address, { ...options, headers: { accept: "application/json", ...options.headers } });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Error(t("page.unreachable"));
  }
  const answered = await reply.json().catch(() => ({}));
  if (!reply.ok) throw new Error(answered.error || t("page.no_answer"));
  return answered;
}

// The same with a document to send.
export const sendJson = (method, address, body) =>
  fetchJson(address, { method, headers: { "content-type": "application/json" }, body: JSON.stringify(body) });

// Says something to people who hear the page; `#said` is a live region.
export function announce(text) {
  const region = part("said");
  if (region) region.textContent = text;
}
