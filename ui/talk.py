"""What happens when somebody uses the page's conversation: asking, asking again, editing, opening another one.

Each method is a Gradio event. It yields values for `Talk.OUTPUTS`, in that order; a `SKIPPED` one stays as it is. What
a browser sends is not trusted: Gradio passes on whatever a forged request holds.
"""

import asyncio
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any

import gradio as gr

from index.errors import DatelineError, InputError, LibraryNotFoundError
from ui.backend import Backend
from ui.conversation import Known, Shown, watch
from ui.conversation_store import ConversationStore
from ui.coverage import coverage_of
from ui.desk import Answering, Desk
from ui.examples import EXAMPLES
from ui.exchanges import Asked, Exchange
from ui.filters import filter_of
from ui.literal import literal, literal_id
from ui.markup import header_html, welcome_html
from ui.texts import Texts, texts_for, translations
from ui.visitors import SIGNED_IN, owner_of

SOURCES_OFFERED = 500
"""Names of sources that the filter offers, those with the most articles."""


class Talk:
    """The conversation of the page over a backend and a store. Its methods run on the event loop."""

    OUTPUTS = ("chat", "conversation", "here", "offered", "editing", "banner", "box")
    ARRIVAL = ("header", "model", "sources", *(f"example {number}" for number in range(1, EXAMPLES + 1)))
    """What `arrive` fills beside `OUTPUTS`."""

    def __init__(self, backend: Backend, library_path: Path, store: ConversationStore) -> None:
        i18n = gr.I18n(**translations())
        self.idle = {"submit_btn": i18n("ask.ask"), "stop_btn": False}
        self.busy = {"submit_btn": False, "stop_btn": i18n("ask.stop")}
        self._backend = backend
        self._library_path = library_path
        self._store = store
        self._desk = Desk(backend, store)
        self._shown = Shown(backend)
        self._watched: dict[str, Answering] = {}  # what each open page waits for, by Gradio's session

    async def answer(
        self,
        text: object,
        conversation_id: object,
        editing: object,
        model: object,
        date_from: object,
        date_to: object,
        as_of: object,
        sources: object,
        request: gr.Request,
    ) -> AsyncIterator[list[Any]]:
        """Asks what stands in the box, or an example."""
        if not isinstance(text, str) or not text.strip():
            yield self._only()
            return
        try:
            search_filter = filter_of(_text(date_from), _text(date_to), _text(as_of), _names(sources))
        except InputError as error:
            yield self._only(banner=f'<p class="note" role="alert">{literal(str(error))}</p>', box=self._box(text))
            return
        yield self._only(box=gr.Textbox(value="", **self.busy))
        asked = Asked(text, _text(model) or self._backend.models[0], search_filter, _text(editing))
        async for state in self._ask(_text(conversation_id), asked, request):
            yield state

    async def act(
        self, conversation_id: object, model: object, event: gr.EventData, request: gr.Request
    ) -> AsyncIterator[list[Any]]:
        """What was clicked, as the scripts say it: `{"kind": "open" | "again" | "edit" | "keep", "id": ...}`."""
        said: Any = event._data
        kind, identifier = (_text(said.get(name)) for name in ("kind", "id")) if isinstance(said, dict) else ("", "")
        if kind == "open":
            async for state in self._open(identifier, request):
                yield state
            return
        exchanges = self._store.exchanges(_owner(request), _text(conversation_id))
        found = next((one for one in exchanges if one.exchange_id == identifier), None)
        if kind == "keep":
            yield self._only(editing="", banner="", box=gr.Textbox(value=""))
        elif found is None or found.state == "running":
            yield self._only()
        elif kind == "edit":
            banner = _editing(found, _texts(request))
            yield self._only(editing=found.exchange_id, banner=banner, box=gr.Textbox(value=found.question))
        elif kind == "again":
            asked = Asked(found.question, _text(model) or found.model, found.filter, found.exchange_id)
            async for state in self._ask(found.conversation_id, asked, request):
                yield state

    async def arrive(self, remembered: object, request: gr.Request) -> AsyncIterator[list[Any]]:
        """What a page shows when it is opened: how many articles there are, what to ask, the tab's conversation."""
        placeholder, fixed = await self._held(_texts(request))
        fixed.insert(1, gr.Dropdown(value=self._backend.models[0]))
        async for state in self._open(_text(remembered), request):
            yield [gr.Chatbot(value=state[0], placeholder=placeholder), *state[1:], *fixed]
            fixed = [gr.skip()] * len(fixed)

    async def renew(self, request: gr.Request) -> list[Any]:
        """What a page shows of a library that has changed while it was open: the empty chat's text, then `fixed`."""
        placeholder, fixed = await self._held(_texts(request))
        return [gr.Chatbot(placeholder=placeholder), *fixed]

    async def _held(self, texts: Texts) -> tuple[str, list[Any]]:
        """The text of an empty chat; the header, the sources to choose from and the examples."""
        placeholder, known = await asyncio.to_thread(self._welcome, texts)
        examples = [*known.examples, *[""] * EXAMPLES][:EXAMPLES]
        sources = list(known.coverage.sources[:SOURCES_OFFERED])
        return placeholder, [
            header_html(known.coverage.articles, texts),
            gr.Dropdown(choices=sources, value=[], visible=bool(sources)),
            *(gr.Button(text, visible=bool(text)) for text in examples),
        ]

    def stop(self, request: gr.Request) -> None:
        """Stops the model of this page; its answer ends by itself then, checked as far as it goes."""
        answering = self._watched.get(str(request.session_hash))
        if answering is not None:
            answering.stop.set()

    def leave(self, request: gr.Request) -> None:
        """The page was closed or is loaded again."""
        session = str(request.session_hash)
        answering = self._watched.pop(session, None)
        if answering is not None:
            answering.leave(session)

    async def _ask(self, conversation_id: str, asked: Asked, request: gr.Request) -> AsyncIterator[list[Any]]:
        owner = _owner(request)
        answering = self._desk.ask(owner, conversation_id, asked)
        exchanges = self._store.exchanges(owner, answering.exchange.conversation_id)
        async for state in self._follow(answering, exchanges[:-1], request):
            yield state

    async def _open(self, conversation_id: str, request: gr.Request) -> AsyncIterator[list[Any]]:
        """A conversation of this browser, an empty one if there is none of that identifier."""
        exchanges = self._store.exchanges(_owner(request), conversation_id)
        answering = self._desk.running(exchanges[-1].exchange_id) if exchanges else None
        if answering is not None:
            async for state in self._follow(answering, exchanges[:-1], request):
                yield state
            return
        self.leave(request)
        known = conversation_id if exchanges else ""
        yield self._only(
            chat=await self._messages(exchanges, _texts(request)),
            conversation=known,
            here=_here(known),
            offered=gr.Row(visible=not exchanges),
            editing="",
            banner="",
            box=gr.Textbox(**self.idle),
        )

    async def _follow(
        self, answering: Answering, earlier: Sequence[Exchange], request: gr.Request
    ) -> AsyncIterator[list[Any]]:
        """The conversation while its last question is being answered."""
        session, texts = str(request.session_hash), _texts(request)
        conversation_id = answering.exchange.conversation_id
        messages = await self._messages(earlier, texts)
        once: dict[str, Any] = {
            "conversation": conversation_id,
            "here": _here(conversation_id),
            "offered": gr.Row(visible=False),
            "editing": "",
            "banner": "",
            "box": gr.Textbox(**self.busy),
        }
        self.leave(request)
        answering.join(session)
        self._watched[session] = answering
        try:
            async for exchange, before in watch(answering):
                if self._watched.get(session) is not answering:
                    return  # another conversation was opened meanwhile
                if exchange.state != "running":
                    once["box"] = gr.Textbox(**self.idle)
                yield self._only(chat=messages + await self._messages([exchange], texts, before), **once)
                once = {}
        finally:
            if self._watched.get(session) is answering:
                self.leave(request)

    def _only(self, **values: Any) -> list[Any]:
        """Values for the outputs that are named, the others stay as they are."""
        return [values.get(name, gr.skip()) for name in self.OUTPUTS]

    def _box(self, text: str) -> Any:
        return gr.Textbox(value=text, **self.idle)

    async def _messages(self, exchanges: Sequence[Exchange], texts: Texts, before: int = 0) -> list[dict[str, str]]:
        """The messages, drawn in a thread: the articles that they name may have to be read."""
        return await asyncio.to_thread(self._shown.messages, exchanges, texts, before)

    def _welcome(self, texts: Texts) -> tuple[str, Known]:
        """The text of the empty conversation, and what can be asked."""
        library, nothing = str(self._library_path), Known(-1, coverage_of(()), ())
        try:
            known = self._shown.known()
        except LibraryNotFoundError:
            return welcome_html(None, library, texts), nothing
        except DatelineError as error:
            return f'<p class="note">{literal(str(error))}</p>', nothing
        return welcome_html(known.coverage.articles, library, texts), known


def _text(value: object) -> str:
    """The value if it is a text, else an empty one."""
    return value if isinstance(value, str) else ""


def _names(value: object) -> list[str]:
    return [name for name in value if isinstance(name, str)] if isinstance(value, list) else []


def _owner(request: gr.Request) -> str:
    """Whose conversations the page shows; without a cookie those of this load of the page alone."""
    scope = getattr(request.request, "scope", {})
    return owner_of(dict(request.cookies), scope.get(SIGNED_IN, "")) or f"session {request.session_hash}"


def _texts(request: gr.Request) -> Texts:
    return texts_for(request.headers.get("accept-language"))


def _here(conversation_id: str) -> str:
    """Tells the scripts which conversation is shown."""
    return f'<i data-conversation="{literal_id(conversation_id)}"></i>'


def _editing(exchange: Exchange, texts: Texts) -> str:
    """Says that asking replaces a question, with a way out."""
    said, keep = texts("ask.editing", question=exchange.question), texts("ask.keep")
    return f'<p class="editing">{literal(said)} <a class="act" href="#keep-">{literal(keep)}</a></p>'
