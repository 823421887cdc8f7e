// The conversation: what Gradio's chat lacks.

// Gradio names each message by its markup; a screen reader would read the tags out.
function nameMessages() {
  for (const [id, name] of [["user", "Question"], ["bot", "Answer"]]) {
    document.querySelectorAll(`#conversation [data-testid="${id}"]`).forEach((message) => {
      if (message.getAttribute("aria-label") !== name) {
        message.setAttribute("role", "group");
        message.setAttribute("aria-label", name);
      }
    });
  }
}

// An answer is read from its beginning: a new question is kept at the top of the conversation while its answer grows,
// until the reader scrolls.
let questions = 0;
let pinned = null;

function pinNewest() {
  const all = document.querySelectorAll('#conversation [data-testid="user"]');
  if (all.length > questions) pinned = all[all.length - 1];
  questions = all.length;
  if (!pinned?.isConnected) return;
  const log = pinned.closest('[role="log"]');
  log.scrollTop += pinned.getBoundingClientRect().top - log.getBoundingClientRect().top - 24;
}

export function lookAtChat() {
  nameMessages();
  pinNewest();
}

export function startChat() {
  for (const moved of ["wheel", "touchmove", "pointerdown", "keydown"]) {
    const unpin = (event) => event.target.closest?.("#conversation") && (pinned = null);
    document.addEventListener(moved, unpin, { passive: true, capture: true });
  }
  if (window.matchMedia("(hover: hover)").matches) document.querySelector("#question textarea").focus();
}
