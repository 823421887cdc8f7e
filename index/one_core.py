"""Matrix products on one core.

Those of several cores wait for each other by turning in circles, which on a machine that others use at the same time
takes up to a time slice each: a search of 1.4 ms on one core took 16 on two.
"""

import threading
from typing import Any


class _SingleThread:
    """One thread at a time is inside, and meanwhile NumPy's matrix products use one core."""

    def __init__(self) -> None:
        self._turn = threading.Lock()
        self._numpy: Any = None
        self._limit: Any = None

    def __enter__(self) -> None:
        self._turn.acquire()
        try:
            if self._numpy is None:
                from threadpoolctl import ThreadpoolController

                every = ThreadpoolController()
                paths = [one["filepath"] for one in every.info() if one["user_api"] == "blas"]
                self._numpy = every.select(filepath=[path for path in paths if "numpy" in path])
            self._limit = self._numpy.limit(limits=1)
        except BaseException:
            self._turn.release()
            raise

    def __exit__(self, *_: object) -> None:
        try:
            self._limit.restore_original_limits()
        finally:
            self._turn.release()


ONE_CORE = _SingleThread()
"""To be used with `with`; not inside itself."""
