// The page's own scripts, started when Gradio has drawn its components.

import { language, part, t } from "./dom.js";
import { startViews, markLinks } from "./views.js";
import { startSource } from "./source.js";
import { startChat, lookAtChat } from "./chat.js";
import { startConversations, lookAtConversation } from "./conversations.js";
import { startLibrary } from "./library.js";
import { startSkip } from "./skip.js";
import { startEvaluate } from "./evaluate.js";
import { startFeedback } from "./feedback.js";

let started = false;

// Texts of the page's fixed parts that the server wrote in English.
function translateFixed() {
  document.querySelectorAll("[data-text]").forEach((node) => {
    const text = t(node.dataset.text);
    if (node.textContent !== text) node.textContent = text;
  });
}

function look() {
  if (!started && part("source-body") && part("evaluate-view") && document.querySelector("#question textarea")) {
    started = true;
    startSkip();
    startViews();
    startChat();
    startConversations(); // hears Escape before the source does: it lies over it
    startSource();
    startFeedback();
    startLibrary(part("library-view"));
    startEvaluate(part("evaluate-view"));
  }
  translateFixed();
  // Gradio writes the browser's language there, also one that the page does not speak.
  if (document.documentElement.lang !== language()) document.documentElement.lang = language();
  if (!started) return;
  markLinks();
  lookAtChat();
  lookAtConversation();
}

new MutationObserver(look).observe(document.documentElement, { childList: true, subtree: true });
look();
