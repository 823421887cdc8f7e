// Asks whether an article is to be removed.

import { button, element, t } from "./dom.js";

// What becomes of the file that the article came from.
function whatStays(article) {
  if (article.uploaded && article.shares_file) return t("library.remove_shared", { file: article.uploaded });
  if (article.uploaded) return t("library.remove_uploaded", { file: article.uploaded });
  return t(article.origin.includes("://") ? "library.remove_address" : "library.remove_elsewhere", {
    origin: article.origin.replace(/(\.(?:jsonl|ndjson|csv|tsv))#.*$/i, "$1"), // the file, not the record in it
  });
}

// Gives true if it was confirmed. The focus goes back to `opener`.
export function askToRemove(article, opener) {
  return new Promise((resolve) => {
    const dialog = element("dialog", "library-dialog");
    const title = element("h3", "", t("library.remove_question"));
    title.id = "library-remove-title";
    const named = element("p", "named", article.title);
    named.dir = "auto";
    const told = element("p", "", whatStays(article));
    told.id = "library-remove-told";
    dialog.setAttribute("aria-labelledby", title.id);
    dialog.setAttribute("aria-describedby", told.id);
    const buttons = element("div", "dialog-buttons");
    const cancel = button(t("library.cancel"), "action", () => dialog.close());
    const confirm = button(t("library.remove"), "danger-action", () => dialog.close("remove"));
    buttons.append(cancel, confirm);
    dialog.append(title, named, told, buttons);
    dialog.addEventListener("keydown", (event) => {
      if (event.key === "Escape") event.stopPropagation(); // closes the dialog, not the source as well
    });
    dialog.addEventListener("close", () => {
      const confirmed = dialog.returnValue === "remove";
      dialog.remove();
      opener.focus();
      resolve(confirmed);
    });
    document.getElementById("library-view").append(dialog);
    dialog.showModal();
    cancel.focus();
  });
}
