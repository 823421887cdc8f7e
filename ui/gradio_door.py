"""What stands in front of Gradio's own channel: requests that its front end would never send are answered here.

Gradio writes a traceback for each value that it cannot take and answers with status 500. Anybody can send such values;
they get a sentence and status 400 instead, and the log stays for what is really wrong.
"""

import json
import logging
import re
from collections.abc import Awaitable, Callable, MutableMapping
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs

from index.errors import InputError

if TYPE_CHECKING:
    from gradio import Blocks

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

logger = logging.getLogger(__name__)

CALLS = frozenset({"/gradio_api/queue/join", "/gradio_api/run/predict"})
"""Paths at which the front end calls a function of the page."""

EVENTS = "/gradio_api/queue/data"
"""Path at which it reads what comes of its calls."""

NOTICES = frozenset({"/gradio_api/cancel", "/gradio_api/reset"})
"""Paths at which it says that it does not wait for a call any longer."""

BROKEN = "The page could not do this. Reload it and try again."
"""Shown where something went wrong that nothing foresaw; the log says what."""

_FIELDS = frozenset({"data", "event_data", "fn_index", "trigger_id", "session_hash"})
"""What the front end sends with a call."""

_OPTIONAL = frozenset({"event_id", "simple_format", "batched", "oauth_token"})
"""Fields that Gradio knows and the front end may send without a value."""

_NAME = re.compile(r"[\w-]{1,100}", re.ASCII)
"""An identifier of a session or a call."""


class GradioDoor:
    """ASGI middleware behind the guard, which has read each body before it is passed on."""

    def __init__(self, app: App, *, page: "Blocks") -> None:
        self._app = app
        self._page = page

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["path"] == EVENTS and not self._awaits(scope["query_string"]):
            await _refuse(send, "Nothing was asked under this name, or the server was started again.", status=404)
            return
        if scope["type"] != "http" or scope["method"] != "POST" or scope["path"] not in CALLS | NOTICES:
            await self._app(scope, receive, send)
            return
        message = await receive()
        try:
            check = self._check_call if scope["path"] in CALLS else _check_notice
            check(_document(message.get("body", b"")))
        except InputError as error:
            await _refuse(send, str(error))
            return
        waiting = [message]

        async def replay() -> Message:
            return waiting.pop() if waiting else await receive()

        await self._app(scope, replay, send)

    def _awaits(self, query: bytes) -> bool:
        """True if the session of a query has called something."""
        names = parse_qs(query.decode("latin-1")).get("session_hash", [])
        return len(names) == 1 and names[0] in self._page._queue.pending_messages_per_session

    def _check_call(self, document: dict[str, Any]) -> None:
        """Raises `InputError` if the call is none of this page."""
        unknown = set(document) - _FIELDS - {field for field in _OPTIONAL if not document.get(field)}
        number, data, session = document.get("fn_index"), document.get("data"), document.get("session_hash")
        function = self._page.fns.get(number) if type(number) is int else None
        if unknown or function is None or not isinstance(data, list) or len(data) != len(function.inputs):
            raise InputError("The page has no such function. Reload it; it may be from before an update.")
        if not isinstance(session, str) or _NAME.fullmatch(session) is None:
            raise InputError("The field 'session_hash' must be the name of a session.")
        if not isinstance(document.get("trigger_id"), int | None):
            raise InputError("The field 'trigger_id' must be a whole number.")
        for component, value in zip(function.inputs, data, strict=True):
            _check_value(component, value)


def report_in_one_line(page: "Blocks") -> None:
    """Has what goes wrong in a call of the page logged once by us, not printed by Gradio, and sent as a sentence.

    What Gradio itself does not take, such as values that fit no component, is one line; what goes wrong in our own
    functions is logged with its traceback.
    """
    from gradio import Error

    process = page.process_api

    async def process_api(*arguments: Any, **named: Any) -> Any:
        try:
            return await process(*arguments, **named)
        except Exception as error:
            if _raised_by_gradio(error):
                logger.warning("A call of the page was refused: %s", " ".join(str(error).split())[:300])
            else:
                logger.exception("A call of the page failed.")
            raise Error(BROKEN, print_exception=False) from None

    page.process_api = process_api


def _raised_by_gradio(error: BaseException) -> bool:
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    return trace is not None and "gradio" in Path(trace.tb_frame.f_code.co_filename).parts


def _document(body: bytes) -> dict[str, Any]:
    try:
        document = json.loads(body)
        json.dumps(document, ensure_ascii=False).encode("utf-8")
    except UnicodeEncodeError as error:
        raise InputError("The request holds half of a character (a lone surrogate); send whole ones.") from error
    except (ValueError, RecursionError) as error:
        raise InputError("The request is not JSON.") from error
    if not isinstance(document, dict):
        raise InputError("The request is not a JSON object.")
    return document


def _check_notice(document: dict[str, Any]) -> None:
    number = document.get("fn_index", 0)
    names = [document.get(name, "none") for name in ("session_hash", "event_id")]
    if type(number) is not int or not all(isinstance(name, str) and _NAME.fullmatch(name) for name in names):
        raise InputError("The request must name a session and a call.")


def _check_value(component: Any, value: object) -> None:
    """Raises `InputError` if the component could not have sent this value."""
    from gradio import Button, Dropdown, Textbox

    if isinstance(component, Textbox | Button) and not isinstance(value, str | None):
        raise InputError("A text is expected there.")
    most = getattr(component, "max_length", None)
    if most is not None and isinstance(value, str) and len(value) > most:
        raise InputError(f"The text has {len(value):,} characters; at most {most:,} are accepted.")
    if not isinstance(component, Dropdown):
        return
    chosen = value if component.multiselect and isinstance(value, list) else [value]
    if not all(isinstance(one, str | None) for one in chosen):
        raise InputError("A choice is expected there.")
    # The choices of others may be filled in later, for each page; Gradio knows them.
    fixed = component.choices and not (component.multiselect or component.allow_custom_value)
    if fixed and value not in [choice for _, choice in component.choices]:
        raise InputError("This is none of the choices. Reload the page; it may be from before an update.")


async def _refuse(send: Send, sentence: str, *, status: int = 400) -> None:
    # Gradio's front end shows `error` of a direct call and `detail` of a queued one.
    body = json.dumps({"error": sentence, "detail": sentence}).encode("utf-8")
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode("ascii"))]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
