"""The fixed parts of the page that its scripts fill, with text nodes only.

They hold no text of articles, so that no template of Gradio can see any. `data-text` names the text of the interface
that a script puts in.
"""

SOURCE_PANEL = """
<aside id="source" aria-labelledby="source-title" tabindex="-1">
  <div class="source-head">
    <div><h2 id="source-title">Articles</h2><p id="source-known"></p></div>
    <button type="button" id="source-close" aria-label="Close source" hidden>Close</button>
  </div>
  <div id="source-steps"></div>
  <div id="source-body" tabindex="0" aria-label="Source text" role="region"></div>
  <div id="source-actions"></div>
</aside>
"""
"""source.js and feedback.js fill it."""

VIEWS = """
<section id="library-view" class="view"></section>
<section id="evaluate-view" class="view"></section>
<p id="said" class="unseen" role="status" aria-live="polite"></p>
"""
"""library.js and evaluate.js fill them; `said` is what is only said to people who hear the page."""

TALK_HEAD = """
<div id="talk-head">
  <button type="button" id="conversations-open" aria-expanded="false" data-text="conversation.open_list"></button>
  <span id="talk-title"></span>
  <button type="button" id="conversation-new" data-text="conversation.new"></button>
</div>
<div id="conversations" hidden></div>
"""
"""conversations.js fills it."""

BRIDGE_SCRIPT = """
window.datelineAct = (said) => trigger('submit', said);
window.datelineRenew = () => trigger('click', {});
"""
"""Lets the scripts say what was clicked, and that the library has changed."""

REMEMBERED = "() => [window.sessionStorage.getItem('dateline-conversation') || '']"
"""Gives the conversation that this tab showed last, when the page is opened."""
