"""The models that a server offers, as a message names them."""

from collections.abc import Sequence

MAX_MODELS_SHOWN = 10
"""Most names of models in a message."""

MAX_NAME_CHARACTERS = 80
"""Most characters of a model's name in a message; the longest on the hub have some 70."""


def listing(names: Sequence[str]) -> str:
    """What a server offers, as a sentence."""
    if not names:
        return "It lists no model."
    shown = ", ".join(repr(name[:MAX_NAME_CHARACTERS]) for name in names[:MAX_MODELS_SHOWN])
    more = len(names) - MAX_MODELS_SHOWN
    return f"It lists: {shown} and {more:,} more." if more > 0 else f"It lists: {shown}."
