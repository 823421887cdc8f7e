"""The page as Gradio's components: the chat on the left, the source on the right, the other views beside them.

What happens in the conversation is in `ui.talk`; the source, the library and the evaluations are filled by the scripts
in `ui/front`. The scripts say what was clicked through one component, `bridge`.
"""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from rag.types import MAX_QUESTION_CHARACTERS
from ui.backend import Backend
from ui.conversation_store import ConversationStore
from ui.examples import EXAMPLES
from ui.markup import header_html
from ui.shells import BRIDGE_SCRIPT, REMEMBERED, SOURCE_PANEL, TALK_HEAD, VIEWS
from ui.talk import Talk
from ui.texts import Texts, translations

if TYPE_CHECKING:
    from gradio import Blocks

DAY_CHARACTERS = 10
"""Longest day that a filter takes: 2017-06-03."""


def build_page(backend: Backend, library_path: Path, store: ConversationStore) -> "Blocks":
    """The page over a backend. Telemetry must have been switched off before."""
    import gradio as gr

    talk = Talk(backend, library_path, store)
    i18n = gr.I18n(**translations())
    html: dict[str, Any] = {"apply_default_css": False}
    with gr.Blocks(title="Dateline", analytics_enabled=False, fill_height=True, fill_width=True) as page:
        header = gr.HTML(header_html(None, Texts()), elem_id="top", **html)
        conversation, editing, remembered = gr.State(""), gr.State(""), gr.Textbox(visible=False)
        bridge = gr.HTML(html_template="<i></i>", js_on_load=BRIDGE_SCRIPT, elem_id="bridge", **html)
        with gr.Row(elem_id="desk"):
            with gr.Column(elem_id="talk"):
                gr.HTML(html_template=TALK_HEAD, **html)
                here = gr.HTML("", elem_id="here", **html)
                chat = gr.Chatbot(
                    elem_id="conversation",
                    label=i18n("ask.conversation"),
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
                banner = gr.HTML("", elem_id="banner", **html)
                model = gr.Dropdown(
                    list(backend.models),
                    value=backend.models[0],
                    elem_id="model",
                    label=i18n("ask.answers_by"),
                    filterable=False,
                    interactive=True,
                    visible=len(backend.models) > 1,
                )
                with gr.Accordion(i18n("ask.filters"), open=False, elem_id="filters"):
                    day: dict[str, Any] = {"placeholder": i18n("ask.day_hint"), "max_length": DAY_CHARACTERS}
                    with gr.Row():
                        date_from = gr.Textbox("", label=i18n("ask.from"), elem_id="date-from", **day)
                        date_to = gr.Textbox("", label=i18n("ask.to"), elem_id="date-to", **day)
                        as_of = gr.Textbox("", label=i18n("ask.as_of"), elem_id="as-of", **day)
                    sources = gr.Dropdown(
                        [], label=i18n("ask.sources"), multiselect=True, elem_id="sources", visible=False
                    )
                box = gr.Textbox(
                    elem_id="question",
                    label=i18n("ask.your_question"),
                    show_label=False,
                    placeholder=i18n("ask.placeholder"),
                    lines=1,
                    max_lines=6,
                    max_length=MAX_QUESTION_CHARACTERS,
                    **talk.idle,
                )
            with gr.Column(elem_id="views"):
                gr.HTML(html_template=VIEWS, **html)
            with gr.Column(elem_id="side"):
                gr.HTML(html_template=SOURCE_PANEL, **html)

        outputs = [chat, conversation, here, offered, editing, banner, box]
        settings = [conversation, editing, model, date_from, date_to, as_of, sources]
        quiet: dict[str, Any] = {"show_progress": "hidden", "api_visibility": "private"}
        # Questions wait for their turn at the desk, which says how many are before them; Gradio lets all of them in.
        at_once: dict[str, Any] = {"concurrency_limit": None, **quiet}
        events = [
            trigger(talk.answer, [asked_with, *settings], outputs, trigger_mode="once", **at_once)
            for trigger, asked_with in ((box.submit, box), *((button.click, button) for button in buttons))
        ]
        events.append(bridge.submit(talk.act, [conversation, model], outputs, **at_once))
        arrival = [*outputs, header, model, sources, *buttons]
        events.append(page.load(talk.arrive, remembered, arrival, js=REMEMBERED, **at_once))
        events.append(bridge.click(talk.renew, None, [chat, header, sources, *buttons], **at_once))
        for event in events:
            event.failure(lambda: gr.Textbox(**talk.idle), None, box, queue=False, **quiet)
        box.stop(talk.stop, None, None, queue=False, **quiet)
        page.unload(talk.leave)
    page.queue(max_size=None, default_concurrency_limit=None)
    return page
