// The source panel: opens the article of a citation mark and shows the cited characters in it.
//
// Article text reaches the page as text nodes only; nothing of it is ever parsed as HTML.

(() => {
  const PLACE = /^#(?:cite|read)-([0-9a-f]+)-(\d+)-(\d+)$/;
  const OPENERS = 'a[href^="#cite-"], a[href^="#read-"]';
  const LISTED = 12; // articles listed while no source is open: about what fits a screen
  let opener = null; // the link that opened the source, and gets the focus back
  let asked = 0; // counts openings, so that a slow reply cannot replace a newer one

  const part = (id) => document.getElementById(id);
  const isOpen = () => document.documentElement.dataset.source === "open";

  function element(tag, className, text) {
    const made = document.createElement(tag);
    if (className) made.className = className;
    if (text) made.textContent = text;
    return made;
  }

  // The index in a JavaScript string (UTF-16) of the code point with that number.
  function unitIndex(text, codePoints) {
    let units = 0;
    for (let passed = 0; passed < codePoints && units < text.length; passed += 1) {
      units += text.codePointAt(units) > 0xffff ? 2 : 1;
    }
    return units;
  }

  // Appends text. Where single line breaks part the paragraphs, an empty element makes the space between them, so that
  // the characters stay exactly those of the article.
  function appendText(parent, text, spaced) {
    if (!spaced) {
      parent.append(text);
      return;
    }
    text.split(/(?<=\n)/).forEach((line) => {
      parent.append(line);
      if (line.endsWith("\n")) parent.append(element("span", "gap"));
    });
  }

  function articleNode(article, start, end) {
    const text = element("div", "article-text");
    text.dir = "auto";
    const spaced = !article.text.includes("\n\n");
    const from = unitIndex(article.text, start);
    const to = unitIndex(article.text, end);
    appendText(text, article.text.slice(0, from), spaced);
    if (to > from) {
      const mark = element("mark", "cited");
      appendText(mark, article.text.slice(from, to), spaced);
      text.append(mark);
    }
    appendText(text, article.text.slice(to), spaced);
    return text;
  }

  function known(article) {
    const line = [article.source, article.author, article.published_text].filter(Boolean);
    const node = part("source-known");
    node.replaceChildren(line.join(" · "));
    const address = /^https?:\/\//i.test(article.url || "") ? article.url : null;
    if (address) {
      const link = element("a", "", "Original page");
      Object.assign(link, { href: address, target: "_blank", rel: "noopener noreferrer" });
      if (line.length) node.append(" · ");
      node.append(link);
    }
  }

  async function fetchJson(address) {
    let reply;
    try {
      reply = await fetch(address, { headers: { accept: "application/json" } });
    } catch {
      throw new Error("The server cannot be reached. Is it still running?");
    }
    const document_ = await reply.json().catch(() => ({}));
    if (!reply.ok) throw new Error(document_.error || "The server could not answer.");
    return document_;
  }

  function setHead(title, closable) {
    part("source-title").textContent = title;
    part("source-known").textContent = "";
    part("source-close").hidden = !closable;
  }

  function markOpener(link) {
    document.querySelectorAll("a[aria-current]").forEach((old) => old.removeAttribute("aria-current"));
    if (link) link.setAttribute("aria-current", "true");
  }

  async function open(place, link) {
    const [, articleId, start, end] = place;
    const number = ++asked;
    opener = link;
    markOpener(link);
    document.documentElement.dataset.source = "open";
    setHead("Opening…", true);
    part("source-body").replaceChildren();
    part("source").focus({ preventScroll: true });
    try {
      const article = await fetchJson(`api/articles/${articleId}`);
      if (number !== asked) return;
      setHead(article.title, true);
      known(article);
      part("source-body").replaceChildren(articleNode(article, Number(start), Number(end)));
      showMark();
    } catch (error) {
      if (number !== asked) return;
      setHead("This source cannot be shown", true);
      part("source-body").replaceChildren(element("p", "problem", error.message));
    }
  }

  // Scrolls the text, and nothing around it, until the mark stands a third from the top.
  function showMark() {
    const body = part("source-body");
    const mark = body.querySelector("mark.cited");
    body.scrollTop = 0;
    if (!mark) return;
    const above = mark.getBoundingClientRect().top - body.getBoundingClientRect().top;
    body.scrollTop = above - body.clientHeight / 3;
  }

  function close() {
    if (!isOpen()) return;
    asked += 1;
    delete document.documentElement.dataset.source;
    markOpener(null);
    list();
    // The chat may have drawn the link anew since it was used.
    const again = opener && !opener.isConnected ? document.querySelector(`a[href="${opener.getAttribute("href")}"]`) : opener;
    (again || document.querySelector("#question textarea"))?.focus();
    opener = null;
  }

  async function list() {
    const number = asked;
    setHead("Articles", false);
    part("source-body").replaceChildren();
    let listing;
    try {
      listing = await fetchJson(`api/articles?limit=${LISTED}`);
    } catch {
      return; // the conversation says what is wrong
    }
    if (number !== asked) return;
    const items = listing.articles.map((article) => {
      const item = element("li");
      const link = element("a", "", article.title);
      link.href = `#read-${article.article_id}-0-0`;
      const line = [article.source, article.published_text].filter(Boolean).join(" · ");
      item.append(link, element("span", "known", line));
      return item;
    });
    const all = element("ul", "articles");
    all.append(...items);
    part("source-body").append(all);
    const more = listing.total - items.length;
    if (more > 0) part("source-body").append(element("p", "more", `and ${more.toLocaleString("en")} more`));
  }

  document.addEventListener(
    "click",
    (event) => {
      if (event.target.closest?.("#source-close")) {
        close();
        return;
      }
      const link = event.target.closest?.(OPENERS);
      const place = link && PLACE.exec(link.getAttribute("href"));
      if (!place || event.ctrlKey || event.metaKey || event.shiftKey) return;
      event.preventDefault();
      event.stopPropagation();
      open(place, link);
    },
    true,
  );

  document.addEventListener("keydown", (event) => {
    if (event.key !== "Escape" || event.isComposing || !isOpen()) return;
    event.preventDefault();
    close();
  });

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

  for (const moved of ["wheel", "touchmove", "pointerdown", "keydown"]) {
    const unpin = (event) => event.target.closest?.("#conversation") && (pinned = null);
    document.addEventListener(moved, unpin, { passive: true, capture: true });
  }

  function start() {
    if (!part("source-body") || !document.querySelector("#question textarea")) return false;
    list();
    if (window.matchMedia("(hover: hover)").matches) document.querySelector("#question textarea").focus();
    const place = PLACE.exec(window.location.hash);
    if (place) open(place, null);
    return true;
  }

  let started = false;
  new MutationObserver(() => {
    started ||= start();
    nameMessages();
    pinNewest();
  }).observe(document.documentElement, { childList: true, subtree: true });
})();
