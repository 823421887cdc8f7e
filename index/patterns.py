"""Regular expressions that are compiled at their first use.

Compiling is the dearest part of importing a module that knows language: those of the citation marks took a fifth of the
time of a whole cold `dateline ask`, which uses one of them.
"""

import re
from typing import Any, cast


class _Pattern:
    """Stands for a `re.Pattern`; what was asked of it once is asked of the compiled one directly from then on."""

    def __init__(self, pattern: str, flags: int) -> None:
        self.pattern = pattern
        self._flags = flags
        self._compiled: re.Pattern[str] | None = None

    def __getattr__(self, name: str) -> Any:
        if self._compiled is None:
            self._compiled = re.compile(self.pattern, self._flags)
        found = getattr(self._compiled, name)
        setattr(self, name, found)
        return found


def late(pattern: str, flags: int = 0) -> re.Pattern[str]:
    """`re.compile`, put off until a method is called. Its `pattern` is there at once; it is not for functions of the
    module `re`, which take no other object for a compiled one. A wrong pattern raises `re.error` at the first use."""
    return cast("re.Pattern[str]", _Pattern(pattern, flags))
