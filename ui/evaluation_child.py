"""A command of `dateline eval` in a process of its own, which ends when the server of the page does.

The page keeps the standard input of the process open and writes nothing to it. When it closes that end, or is no more,
the command is interrupted as by Ctrl-C: what is done is kept and can be gone on with.
"""

import _thread
import os
import signal
import sys
import threading

NICENESS = 5
"""How far the process stands back behind others: a question that somebody asks on the page comes first."""

ENTRY = "from ui.evaluation_child import main; main()"
"""The code that a new Python is given; the arguments of the command follow."""


def main() -> None:
    """Runs `dateline` with the arguments of the process, as `ui.cli.main` does."""
    # A server that was started in the background ignores Ctrl-C, and its children inherit that.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    if hasattr(os, "nice"):
        os.nice(NICENESS)
    threading.Thread(target=_interrupt_at_the_end, name="dateline-parent", daemon=True).start()
    from ui.cli import main as dateline

    dateline()


def _interrupt_at_the_end() -> None:
    # Not sys.stdin.read(): Python would wait for its lock when the command is done.
    while os.read(sys.stdin.fileno(), 1):
        pass
    main_thread = threading.main_thread().ident
    if hasattr(signal, "pthread_kill") and main_thread is not None:
        signal.pthread_kill(main_thread, signal.SIGINT)  # wakes it from a wait, which interrupt_main() does not
    else:
        _thread.interrupt_main()
