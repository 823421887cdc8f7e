"""A model's words on a terminal, and Ctrl-C while they come."""

import os
import pty
import re
import signal
import sys
import termios
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from command_line import run
from fakes import BagOfWordsEncoder, ScriptedGenerator

from index.ingest import index_paths
from index.library import Library
from rag.answering import AnswerSettings
from rag.types import Question
from ui.writing import Interruption, last_rows, write_answer

ASKED = "When was the lamp lit?"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A library of one article."""
    path = tmp_path_factory.mktemp("lamp")
    (path / "lamp.txt").write_text("The lamp was lit in 1923 by Ann Lee.", "utf-8")
    with Library.open_for_writing(path / "library", BagOfWordsEncoder()) as library:
        index_paths(library, [str(path / "lamp.txt")])
    return path / "library"


class Interrupted(ScriptedGenerator):
    """Sends the process an interruption after its first `after` pieces; with `again`, a second one after the next."""

    def __init__(self, *pieces: str, after: int, again: bool = False) -> None:
        super().__init__(*pieces)
        self.after = after
        self.again = again

    def generate(self, messages, *, max_tokens) -> Iterator[str]:
        for number, piece in enumerate(self.pieces):
            if number == self.after:
                signal.raise_signal(signal.SIGINT)
                if self.again:
                    signal.raise_signal(signal.SIGINT)
            yield piece


class Terminal:
    """A terminal in the place of standard error, and what is drawn on it."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self._reader, writer = pty.openpty()
        termios.tcsetwinsize(writer, (24, 80))
        self._file = os.fdopen(writer, "w", encoding="utf-8")
        self._drawn = b""
        self._grown = threading.Condition()
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()
        monkeypatch.setattr(sys, "stderr", self._file)
        monkeypatch.setenv("TERM", "xterm")
        for name in ("NO_COLOR", "FORCE_COLOR", "COLUMNS", "LINES", "TTY_COMPATIBLE", "TTY_INTERACTIVE"):
            monkeypatch.delenv(name, raising=False)

    def _read(self) -> None:
        while True:
            try:
                piece = os.read(self._reader, 65_536)
            except OSError:  # how Linux says that the other end is closed
                return
            with self._grown:
                self._drawn += piece
                self._grown.notify_all()

    def wait_for(self, words: str) -> None:
        with self._grown:
            assert self._grown.wait_for(lambda: words.encode() in self._drawn, timeout=10), self._drawn

    def close(self) -> str:
        """Everything that was drawn."""
        self._file.close()
        self._thread.join(10)
        os.close(self._reader)
        return self._drawn.decode("utf-8")


def test_words_are_drawn_as_they_come_and_are_gone_at_the_end(folder, monkeypatch):
    terminal = Terminal(monkeypatch)

    class Watched(ScriptedGenerator):
        def generate(self, messages, *, max_tokens):
            yield "The lamp \x1b[2J[bold]was lit"
            terminal.wait_for("was lit")
            yield " in 1923 [1]."
            terminal.wait_for("in 1923")

    with Library.open(folder, BagOfWordsEncoder()) as library:
        answer, stopped = write_answer(Question(ASKED), library, Watched(), AnswerSettings(), shown=True)
    drawn = terminal.close()
    assert not stopped
    assert not answer.incomplete
    assert r"\x1b[2J[bold]was" in drawn, "what a model writes is text and no command to the terminal"
    assert "\x1b[2J" not in drawn
    assert re.search(r"\r\n\x1b\[\?25h\r(?:\x1b\[1A\x1b\[2K)+$", drawn), "every row is wiped"


def test_many_words_are_drawn_at_most_ten_times_a_second(folder, monkeypatch):
    terminal = Terminal(monkeypatch)

    class Quick(ScriptedGenerator):
        def generate(self, messages, *, max_tokens):
            for _ in range(300):
                threading.Event().wait(0.003)
                yield "word "

    with Library.open(folder, BagOfWordsEncoder()) as library:
        answer, _ = write_answer(Question(ASKED), library, Quick(), AnswerSettings(), shown=True)
    drawings = terminal.close().count("\r\x1b[2K")
    assert 3 <= drawings <= 10 * answer.timings_ms["model"] / 1000 + 2


def test_nothing_is_drawn_where_it_is_not_to_be_or_is_no_terminal(folder, monkeypatch):
    terminal = Terminal(monkeypatch)
    generator = ScriptedGenerator("The lamp was lit in 1923 [1].")
    with Library.open(folder, BagOfWordsEncoder()) as library:
        write_answer(Question(ASKED), library, generator, AnswerSettings(), shown=False)
        monkeypatch.setenv("TERM", "dumb")
        write_answer(Question(ASKED), library, generator, AnswerSettings(), shown=True)
        assert terminal.close() == ""
        with Path(os.devnull).open("w") as nowhere:
            monkeypatch.setattr(sys, "stderr", nowhere)
            monkeypatch.setitem(sys.modules, "rich.live", None)
            write_answer(Question(ASKED), library, generator, AnswerSettings(), shown=True)


def test_the_end_of_a_long_text_is_what_is_shown():
    from rich.console import Console

    console = Console(width=10, height=6)
    shown = last_rows(console, " ".join(f"word{number}" for number in range(40)))
    assert shown.plain.split() == ["word36", "word37", "word38", "word39"]


def test_the_first_interruption_stops_the_model_and_keeps_what_it_wrote(folder):
    generator = Interrupted("The lamp was lit in 1923 [1].", " And", " more", after=1)
    done = run("ask", ASKED, "-m", "openai:x", "--library", folder, generator=generator)
    assert done.exit_code == 130
    assert done.stdout.startswith("The lamp was lit in 1923. [1]")
    assert "This answer is incomplete." in done.stdout
    assert "lamp.txt, characters 0-36" in done.stdout
    assert done.stderr == "The model was stopped; the answer is not complete.\n"
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    document = run("ask", ASKED, "-m", "openai:x", "--json", "--library", folder, generator=generator)
    assert document.exit_code == 130
    assert document.document["incomplete"]


def test_an_interruption_before_the_first_word_or_a_second_one_interrupts(folder):
    for generator in (Interrupted("The lamp", after=0), Interrupted("The lamp", " was", after=1, again=True)):
        done = run("ask", ASKED, "-m", "openai:x", "--library", folder, generator=generator)
        assert (done.exit_code, done.stdout, done.stderr) == (130, "", "Interrupted.\n")
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_other_threads_handle_no_signal():
    entered = []

    def enter() -> None:
        with Interruption():
            entered.append(signal.getsignal(signal.SIGINT))

    thread = threading.Thread(target=enter)
    thread.start()
    thread.join()
    assert entered == [signal.getsignal(signal.SIGINT)]


def test_notices_are_lines_on_standard_error_without_commands_to_the_terminal(folder):
    class Failing(ScriptedGenerator):
        def generate(self, messages, *, max_tokens):
            from index.errors import ModelError

            yield from ()
            raise ModelError("It said\n\x1b[2J.")

    done = run("ask", ASKED, "-m", "openai:x", "--library", folder, generator=Failing())
    assert done.exit_code == 0
    assert done.stderr == "It said \\x1b[2J. The articles' own sentences are used instead.\n"
