"""Matrix products on one core.

Those of several cores wait for each other by turning in circles, which on a machine that others use at the same time
takes up to a time slice each: a search of 1.4 ms on one core took 16 on two.
"""

import threading
from typing import Any

SMALL_PRODUCTS = frozenset({"SkylakeX", "Cooperlake", "SapphireRapids"})
"""Names by which OpenBLAS calls the processors on which it has kernels of their own for small matrices, with AVX-512,
as https://github.com/OpenMathLib/OpenBLAS/blob/develop/kernel/x86_64/KERNEL.SKYLAKEX has them."""


class _SingleThread:
    """One thread at a time is inside, and meanwhile NumPy's matrix products use one core."""

    def __init__(self) -> None:
        self._turn = threading.Lock()
        self._numpy: Any = None
        self._limit: Any = None

        self.has_small_products = False
        """True, inside, where NumPy multiplies small matrices without copying them first."""

    def __enter__(self) -> None:
        self._turn.acquire()
        try:
            if self._numpy is None:
                from threadpoolctl import ThreadpoolController

                every = ThreadpoolController()
                paths = [one["filepath"] for one in every.info() if one["user_api"] == "blas"]
                self._numpy = every.select(filepath=[path for path in paths if "numpy" in path])
                named = {one.get("architecture") for one in self._numpy.info()}
                self.has_small_products = bool(named) and named <= SMALL_PRODUCTS
            # Entered and left, not only set and set back: OpenBLAS obeys no other thread until the first one left.
            self._limit = self._numpy.limit(limits=1)
            self._limit.__enter__()
        except BaseException:
            self._turn.release()
            raise

    def __exit__(self, *raised: object) -> None:
        try:
            self._limit.__exit__(*raised)
        finally:
            self._turn.release()


ONE_CORE = _SingleThread()
"""To be used with `with`; not inside itself."""
