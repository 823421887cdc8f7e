"""How many tokens a language model gets and gives, from the environment."""

import os

from index.errors import InputError

DEFAULT_PROMPT_TOKENS = 16_000
"""Most tokens of a prompt. Ten passages are about 3,000. Offline, where tokens are estimated from above at some four
or five times their number, the budget still holds all of them (14,000 for ten passages of the sample articles)."""

DEFAULT_ANSWER_TOKENS = 700
"""Most tokens of an answer: some ten sentences with their marks, twice what the rules of the prompt ask for."""

MAX_TOKENS = 1_000_000
"""Most tokens that either may be set to; no model reads more."""

MIN_PROMPT_TOKENS = 500
"""Fewest tokens of a prompt: its rules and one short passage."""

MIN_ANSWER_TOKENS = 16
"""Fewest tokens of an answer: the sentence that says that there is none."""


def prompt_tokens() -> int:
    """Most tokens of a prompt, from `DATELINE_PROMPT_TOKENS`. Raises `InputError` on what is no such number."""
    return _whole_number("DATELINE_PROMPT_TOKENS", DEFAULT_PROMPT_TOKENS, MIN_PROMPT_TOKENS)


def answer_tokens() -> int:
    """Most tokens of an answer, from `DATELINE_ANSWER_TOKENS`. Raises `InputError` on what is no such number."""
    return _whole_number("DATELINE_ANSWER_TOKENS", DEFAULT_ANSWER_TOKENS, MIN_ANSWER_TOKENS)


def _whole_number(variable: str, default: int, least: int) -> int:
    value = os.environ.get(variable, "").strip()
    if not value:
        return default
    if not (value.isascii() and value.isdecimal() and len(value) <= 9 and least <= int(value) <= MAX_TOKENS):
        raise InputError(f"{variable} is {value!r}; set it to a whole number from {least} to {MAX_TOKENS:,}.")
    return int(value)
