"""What a request for an evaluation asks for."""

import json
from collections.abc import Sequence

from index.errors import InputError
from ui.backend import check_model
from ui.evaluation_record import Run
from ui.settings import MAX_K

MAX_LIMIT = 1_000_000
"""Most questions that a run may be limited to; none has so many."""

_FIELDS = frozenset({"set", "model", "k", "limit", "own_articles"})


def parse_run(body: bytes, models: Sequence[str], default_k: int) -> Run:
    """The run that a request asks for; what the set says of it is not filled in. Raises `InputError`."""
    try:
        document = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise InputError("The request is not JSON; send an object with a field 'set'.") from error
    if not isinstance(document, dict) or not isinstance(document.get("set"), str):
        raise InputError("The request must be a JSON object with the name of a question set in its field 'set'.")
    unknown = sorted(set(document) - _FIELDS)
    if unknown:
        raise InputError(f"There is no field {unknown[0]!r}; the fields are {', '.join(sorted(_FIELDS))}.")
    own_articles, model = document.get("own_articles", False), document.get("model")
    if not isinstance(own_articles, bool) or not (model is None or isinstance(model, str)):
        raise InputError("The field 'own_articles' must be true or false, the field 'model' the name of a model.")
    k = document.get("k")
    return Run(
        run_id="",
        owner="",
        set_id=document["set"],
        set_name="",
        set_kind="",
        set_file="",
        total=0,
        model=check_model(model, models),
        k=default_k if k is None else _whole(k, "k", MAX_K),
        limit=None if document.get("limit") is None else _whole(document["limit"], "limit", MAX_LIMIT),
        own_articles=own_articles,
        created="",
        state="waiting",
    )


def _whole(value: object, name: str, most: int) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= most:
        raise InputError(f"The field {name!r} must be a whole number from 1 to {most:,}.")
    return value


def whole_number(given: str, name: str, least: int, most: int) -> int:
    """A parameter of an address as a number. Raises `InputError`."""
    if not (given.isascii() and given.isdecimal() and len(given) <= 10 and least <= int(given) <= most):
        raise InputError(f"The number {name!r} must be a whole number from {least} to {most:,}.")
    return int(given)
