"""The progress bar: there for a terminal, absent everywhere else."""

import io
import sys

from ui.progress import progress_bar


class Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self):
        return True


def test_a_terminal_sees_how_far_it_is(monkeypatch):
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    with progress_bar("articles") as show:
        for done in range(4):
            show(done, 3)
    assert "1/3" in terminal.getvalue()
    assert "3/3" in terminal.getvalue()
    assert "articles" in terminal.getvalue()


def test_a_file_sees_nothing(monkeypatch):
    plain = io.StringIO()
    monkeypatch.setattr(sys, "stderr", plain)
    with progress_bar("articles") as show:
        assert show is None
    assert plain.getvalue() == ""
