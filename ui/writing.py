"""The words of a language model on the terminal as they come, and Ctrl-C meanwhile."""

import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, nullcontext
from types import FrameType
from typing import TYPE_CHECKING, Any

import click

from index.errors import StoppedError
from rag.types import Answer, Question
from ui.render import one_line, terminal_safe

if TYPE_CHECKING:
    from rich.console import Console, RenderableType

    from index.library import Library
    from rag.answering import AnswerSettings
    from rag.generators import Generator

INTERRUPTED = 130
"""Exit code after Ctrl-C: 128 and the number of the signal, as shells have it."""

UPDATES_PER_SECOND = 10
"""How often the terminal is drawn at most; a page was seen to be read well at the same rate (`ui.conversation`)."""

ROWS_KEPT_FREE = 2
"""Rows of the terminal that the words leave to what stands above them, so that nothing scrolls out of reach."""


def print_notices(answer: Answer) -> None:
    """What happened on the way, on standard error, a line each."""
    for notice in answer.notices:
        click.echo(one_line(notice), err=True)


def write_answer(
    question: Question, library: "Library", generator: "Generator", settings: "AnswerSettings", *, shown: bool
) -> tuple[Answer, bool]:
    """The answer of a language model, and whether Ctrl-C stopped it. Raises as `rag.answering.stream`.

    If `shown` and standard error is a terminal, the words are drawn there as they come and are gone at the end. The
    first Ctrl-C after the first word stops the model; any other raises `KeyboardInterrupt`.
    """
    from rag.answering import stream

    text = ""
    interruption = Interruption()
    live = drawn(lambda: text) if shown and sys.stderr.isatty() else nullcontext()
    items = stream(question, library, generator=generator, settings=settings, stop=interruption.stop)
    with closing(items), interruption, live:
        try:
            for item in items:
                if isinstance(item, Answer):
                    return item, interruption.stop.is_set()
                interruption.stops = True
                text += item
        except StoppedError as error:
            raise KeyboardInterrupt(str(error)) from error
    raise AssertionError("an answer comes last")


class Interruption:
    """Meanwhile, Ctrl-C sets `stop` the first time, if `stops` is true; else it raises `KeyboardInterrupt`.

    Outside the main thread, where no signal can be handled, it changes nothing.
    """

    def __init__(self) -> None:
        self.stop = threading.Event()
        self.stops = False
        self._before: Any = None

    def __enter__(self) -> None:
        if threading.current_thread() is threading.main_thread():
            self._before = signal.signal(signal.SIGINT, self._interrupt)

    def __exit__(self, *_: object) -> None:
        if self._before is not None:
            signal.signal(signal.SIGINT, self._before)

    def _interrupt(self, _number: int, _frame: FrameType | None) -> None:
        if not self.stops or self.stop.is_set():
            raise KeyboardInterrupt
        self.stop.set()


@contextmanager
def drawn(text: Callable[[], str]) -> Iterator[None]:
    """Meanwhile, draws what `text` gives on standard error, which is a terminal; nothing of it is left behind."""
    from rich.console import Console
    from rich.live import Live

    console = Console(stderr=True, highlight=False)
    if console.is_dumb_terminal:
        yield
        return
    with Live(
        get_renderable=lambda: last_rows(console, text()),
        console=console,
        refresh_per_second=UPDATES_PER_SECOND,
        transient=True,
        redirect_stdout=False,
        redirect_stderr=False,
    ):
        yield


def last_rows(console: "Console", text: str) -> "RenderableType":
    """The end of the text as far as it fits on the terminal, in literal characters, controls made visible."""
    from rich.text import Text

    rows = Text(terminal_safe(text).expandtabs(), style="dim").wrap(console, console.width)
    return Text("\n").join(rows[-max(1, console.height - ROWS_KEPT_FREE) :])
