// The conversations of this browser: a list to open, rename, delete and export them.

import { announce, button, element, fetchJson, part, sendJson, t, tCount } from "./dom.js";
import { act } from "./chat.js";

const KEPT = "dateline-conversation"; // this tab's conversation, which a reload opens again
let shown = ""; // the conversation that the page shows
let listed = [];

const isOpen = () => !part("conversations").hidden;

// The server says which conversation it shows in an element of the page.
export function lookAtConversation() {
  const here = document.querySelector("#here [data-conversation]");
  if (!here || here.dataset.conversation === shown) return;
  shown = here.dataset.conversation;
  window.sessionStorage.setItem(KEPT, shown);
  load();
}

async function load() {
  try {
    listed = (await fetchJson("api/conversations")).conversations;
  } catch (error) {
    if (isOpen()) part("conversations").replaceChildren(element("p", "note", error.message));
    return;
  }
  const current = listed.find((one) => one.conversation_id === shown);
  part("talk-title").textContent = current ? current.title : "";
  part("talk-title").title = current ? current.title : "";
  // A name that is being written is not taken away.
  if (isOpen() && !part("conversations").querySelector("form")) draw();
}

function draw() {
  const panel = part("conversations");
  const hadFocus = panel.contains(document.activeElement);
  fill(panel);
  if (hadFocus) panel.querySelector("button").focus();
}

function fill(panel) {
  const items = listed.map((one) => item(one));
  const list = element("ul");
  list.append(...items);
  const close = button(t("source.close"), "plain", () => toggle(false));
  close.setAttribute("aria-label", t("conversation.close"));
  const head = element("div", "head");
  head.append(element("h2", "", t("conversation.open_list")), close);
  const feedback = element("div");
  feedback.id = "feedback-place";
  panel.replaceChildren(head, items.length ? list : element("p", "none", t("conversation.none")), feedback);
  document.dispatchEvent(new CustomEvent("dateline:conversations"));
}

// `25 November 2026 at 04:29`, days written as in articles: the day before the month in English, too.
function dayOf(moment) {
  const language = document.documentElement.lang || "en";
  return new Date(moment).toLocaleString(language === "en" ? "en-GB" : language, { dateStyle: "long", timeStyle: "short" });
}

function item(one) {
  const row = element("li");
  if (one.conversation_id === shown) row.setAttribute("aria-current", "true");
  const open = button(one.title, "open", () => {
    act("open", one.conversation_id);
    announce(t("conversation.opened", { title: one.title }));
    toggle(false);
  });
  const known = element("span", "known", `${tCount("conversation.questions", one.questions)} · ${dayOf(one.changed)}`);
  const rename = button(t("conversation.rename"), "plain", () => edit(row, one));
  rename.setAttribute("aria-label", t("conversation.rename_label", { title: one.title }));
  const remove = button(t("conversation.delete"), "plain", () => confirmDelete(one));
  remove.setAttribute("aria-label", t("conversation.delete_label", { title: one.title }));
  const acts = element("span", "acts");
  acts.append(rename, remove, element("span", "known", t("conversation.export")));
  for (const [name, kind] of [["Markdown", "md"], ["HTML", "html"], ["JSON", "json"]]) {
    const link = element("a", "", name);
    link.href = `api/conversations/${one.conversation_id}/export?format=${kind}`;
    acts.append(link);
  }
  row.append(open, known, acts);
  return row;
}

function edit(row, one) {
  const form = element("form");
  const box = element("input");
  Object.assign(box, { type: "text", value: one.title, maxLength: 200, required: true });
  box.setAttribute("aria-label", t("conversation.new_name"));
  const save = button(t("conversation.save"), "plain");
  save.type = "submit";
  const back = () => {
    draw();
    focusRow(one.conversation_id, "button.plain");
  };
  form.append(box, save, button(t("conversation.cancel"), "plain", back));
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    try {
      await sendJson("PATCH", `api/conversations/${one.conversation_id}`, { title: box.value });
      announce(t("conversation.renamed"));
      form.remove();
      await load();
      focusRow(one.conversation_id, "button.plain");
    } catch (error) {
      form.append(element("p", "note", error.message));
    }
  });
  form.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    event.preventDefault();
    event.stopPropagation();
    back();
  });
  row.replaceChildren(form);
  box.focus();
  box.select();
}

function focusRow(id, selector) {
  const at = listed.findIndex((one) => one.conversation_id === id);
  part("conversations").querySelectorAll("li")[at]?.querySelector(selector)?.focus();
}

function confirmDelete(one) {
  const dialog = element("dialog", "sure");
  const text = element("p", "", t("conversation.delete_sure", { title: one.title }));
  text.id = "sure-text";
  dialog.setAttribute("aria-labelledby", "sure-text");
  const cancel = button(t("conversation.cancel"), "plain", () => dialog.close());
  const remove = button(t("conversation.delete"), "danger", async () => {
    try {
      await sendJson("DELETE", `api/conversations/${one.conversation_id}`, {});
    } catch (error) {
      dialog.append(element("p", "note", error.message));
      return;
    }
    dialog.close();
    announce(t("conversation.deleted"));
    if (one.conversation_id === shown) act("open", "");
    await load();
    part("conversations").querySelector("button")?.focus();
  });
  const acts = element("p", "acts");
  acts.append(cancel, remove);
  dialog.append(text, acts);
  dialog.addEventListener("close", () => {
    dialog.remove();
    focusRow(one.conversation_id, ".acts button:nth-of-type(2)");
  });
  document.body.append(dialog);
  dialog.showModal();
}

function toggle(open) {
  part("conversations").hidden = !open;
  part("conversations-open").setAttribute("aria-expanded", String(open));
  if (open) {
    draw();
    load();
    part("conversations").querySelector("button").focus();
  } else {
    part("conversations-open").focus();
  }
}

export function startConversations() {
  part("conversations-open").addEventListener("click", () => toggle(!isOpen()));
  part("conversation-new").addEventListener("click", () => {
    act("open", "");
    document.querySelector("#question textarea").focus();
  });
  document.addEventListener("keydown", (event) => {
    if (event.key !== "Escape" || event.defaultPrevented || event.isComposing || !isOpen()) return;
    if (document.querySelector("dialog[open]")) return;
    event.preventDefault();
    toggle(false);
  });
  document.addEventListener("pointerdown", (event) => {
    if (isOpen() && !event.target.closest("#conversations, #talk-head, dialog")) toggle(false);
  });
  load();
}
