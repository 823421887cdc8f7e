"""The page: Gradio's chat on the left, the source on the right, and what happens between them."""

import threading
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from index.errors import DatelineError, LibraryNotFoundError
from index.types import ArticleSummary
from rag.types import MAX_QUESTION_CHARACTERS
from ui.backend import Backend
from ui.conversation import Conversation, converse, messages
from ui.examples import EXAMPLES, example_questions
from ui.markup import header_html, note_html, welcome_html
from ui.texts import Texts, texts_for

if TYPE_CHECKING:
    from gradio import Blocks
    from gradio.themes import Base

ANSWERS_AT_ONCE = 8
"""Questions that the page answers at the same time; each waits mostly for its model."""

QUESTIONS_WAITING = 32
"""Questions that may wait for their turn; the page says that it is busy to the next one."""

_SOURCE_PANEL = """
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
"""Filled by source.js with text nodes only: it holds no article text, so that no template of Gradio can see any."""

_VIEWS = """
<section id="library-view" class="view"></section>
<section id="evaluate-view" class="view"></section>
<p id="said" class="unseen" role="status" aria-live="polite"></p>
"""
"""Filled by library.js and evaluate.js in the same way, and what is only said to people who hear the page."""


def page_theme() -> "Base":
    """Gradio's colours and fonts, all taken from page.css, where the light and the dark ones are kept."""
    from gradio.themes import Base

    sans, mono = ["system-ui", "sans-serif"], ["ui-monospace", "monospace"]
    colours = {
        "body_background_fill": "var(--paper)",
        "body_text_color": "var(--ink)",
        "body_text_color_subdued": "var(--quiet)",
        "background_fill_primary": "var(--paper)",
        "background_fill_secondary": "var(--paper)",
        "block_background_fill": "transparent",
        "border_color_primary": "var(--line)",
        "border_color_accent": "var(--accent)",
        "input_background_fill": "var(--sheet)",
        "input_placeholder_color": "var(--quiet)",
        "link_text_color": "var(--accent)",
        "link_text_color_hover": "var(--accent)",
        "link_text_color_active": "var(--accent)",
        "link_text_color_visited": "var(--accent)",
        "color_accent_soft": "transparent",
        "button_secondary_background_fill": "var(--sheet)",
        "button_secondary_background_fill_hover": "var(--raised)",
        "button_secondary_text_color": "var(--ink)",
    }
    dark = {f"{name}_dark": colour for name, colour in colours.items()}
    return Base(font=sans, font_mono=mono).set(color_accent="var(--accent)", **colours, **dark)


def build_page(backend: Backend, library_path: Path) -> "Blocks":
    """The page over a backend. Telemetry must have been switched off before."""
    import gradio as gr

    default = backend.models[0]
    busy = {"submit_btn": False, "stop_btn": "Stop"}
    idle = {"submit_btn": "Ask", "stop_btn": False}
    quiet: dict[str, Any] = {"show_progress": "hidden", "api_visibility": "private"}

    running: dict[str, threading.Event] = {}

    def arrive(request: gr.Request) -> list[Any]:
        """What a page shows when it is opened: how many articles there are, and something to ask them."""
        placeholder, summaries = _welcome(backend, library_path)
        examples = example_questions(backend, summaries)
        examples += [""] * (EXAMPLES - len(examples))
        return [
            header_html(len(summaries), texts_for(request.headers.get("accept-language"))),
            gr.Chatbot(placeholder=placeholder),
            gr.Dropdown(value=default),
            *(gr.Button(text, visible=bool(text)) for text in examples),
        ]

    async def answer(
        text: str, conversation: Conversation, model: str, request: gr.Request
    ) -> AsyncIterator[list[Any]]:
        if not isinstance(text, str) or not text.strip():
            yield [gr.skip()] * 4
            return
        box: Any = gr.Textbox(value="", **busy)
        session, stop = str(request.session_hash), threading.Event()
        running[session] = stop
        try:
            async for state in converse(backend, text, conversation, model, stop):
                if state[-1].state != "running":
                    box = gr.Textbox(**idle)
                yield [messages(state), state, box, gr.Row(visible=False)]
                box = gr.skip()
        finally:
            if running.get(session) is stop:
                del running[session]

    def stopped(request: gr.Request) -> None:
        """Stops the model of this page; its answer ends by itself then, checked as far as it goes."""
        stop = running.get(str(request.session_hash))
        if stop is not None:
            stop.set()

    def cleared(request: gr.Request) -> list[Any]:
        stopped(request)
        return [(), gr.Textbox(**idle), gr.Row(visible=True)]

    with gr.Blocks(title="Dateline", analytics_enabled=False, fill_height=True, fill_width=True) as page:
        header = gr.HTML(header_html(None, Texts()), elem_id="top", apply_default_css=False)
        conversation = gr.State(())
        with gr.Row(elem_id="desk"):
            with gr.Column(elem_id="talk"):
                chat = gr.Chatbot(
                    elem_id="conversation",
                    label="Conversation",
                    show_label=False,
                    layout="panel",
                    buttons=[],
                    sanitize_html=True,
                    allow_tags=False,
                    latex_delimiters=[],
                    feedback_options=None,
                    height="auto",
                    autoscroll=False,
                )
                with gr.Row(elem_id="examples") as offered:
                    buttons = [gr.Button("", visible=False, elem_classes="example") for _ in range(EXAMPLES)]
                choice = gr.Dropdown(
                    list(backend.models),
                    value=default,
                    elem_id="model",
                    label="Answers by",
                    filterable=False,
                    interactive=True,
                    visible=len(backend.models) > 1,
                )
                box = gr.Textbox(
                    elem_id="question",
                    label="Your question",
                    show_label=False,
                    placeholder="Ask a question of the articles",
                    lines=1,
                    max_lines=6,
                    max_length=MAX_QUESTION_CHARACTERS,
                    **idle,
                )
            with gr.Column(elem_id="views"):
                gr.HTML(html_template=_VIEWS, apply_default_css=False)
            with gr.Column(elem_id="side"):
                gr.HTML(html_template=_SOURCE_PANEL, apply_default_css=False)
        outputs = [chat, conversation, box, offered]
        asked = [
            trigger(
                answer,
                [asked_with, conversation, choice],
                outputs,
                concurrency_id="answers",
                trigger_mode="once",
                **quiet,
            )
            for trigger, asked_with in ((box.submit, box), *((button.click, button) for button in buttons))
        ]
        for event in asked:
            event.failure(lambda: gr.Textbox(**idle), None, box, queue=False, **quiet)
        box.stop(stopped, None, None, queue=False, **quiet)
        chat.clear(cleared, None, outputs[1:], cancels=asked, queue=False, **quiet)
        page.unload(stopped)
        page.load(arrive, None, [header, chat, choice, *buttons], queue=False, **quiet)
    page.queue(max_size=QUESTIONS_WAITING, default_concurrency_limit=ANSWERS_AT_ONCE)
    return page


def _welcome(backend: Backend, library_path: Path) -> tuple[str, Sequence[ArticleSummary]]:
    """The text of the empty conversation, and the articles that can be asked."""
    try:
        summaries = backend.summaries()
    except LibraryNotFoundError:
        return welcome_html(None, str(library_path)), ()
    except DatelineError as error:
        return note_html(str(error)), ()
    return welcome_html(summaries, str(library_path)), summaries
