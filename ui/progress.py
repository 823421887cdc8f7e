"""A progress bar on standard error, where somebody is there to see it."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager


@contextmanager
def progress_bar(unit: str) -> Iterator[Callable[[int, int], None] | None]:
    """A function to be told the number of `unit` done and of all; `None` if standard error is not a terminal."""
    if not sys.stderr.isatty():
        yield None
        return
    from tqdm import tqdm

    with tqdm(unit=f" {unit}", file=sys.stderr, dynamic_ncols=True) as bar:

        def show(done: int, total: int) -> None:
            if bar.total is None:
                bar.initial = bar.n = max(done - 1, 0)  # what an earlier run did says nothing about the time left
            bar.total = total
            bar.update(done - bar.n)
            bar.refresh()

        yield show
