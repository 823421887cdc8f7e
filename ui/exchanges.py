"""What is kept of a conversation: its questions, each with what came of it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from index.dates import first_day
from index.types import SearchFilter
from rag.types import Answer

State = Literal["running", "finished", "stopped", "broken"]
"""`running`: being answered. `finished`: a whole answer or a refusal. `stopped`: an answer that is not complete, or
none because it was stopped. `broken`: no answer; `note` says why."""


@dataclass(frozen=True, slots=True)
class Exchange:
    """A question and what came of it.

    `exchange_id` is random and hard to guess: whoever has it may read the answer (the permanent link). `model` is the
    one that was asked. `text` is the answer's text as far as it is known, `note` a sentence on what went wrong, `asked`
    the moment of asking (ISO 8601, UTC).
    """

    exchange_id: str
    conversation_id: str
    question: str
    model: str
    filter: SearchFilter
    asked: str
    state: State = "running"
    text: str = ""
    note: str = ""
    answer: Answer | None = None


@dataclass(frozen=True, slots=True)
class ConversationSummary:
    """A conversation in a list: its name, when it was last asked something (ISO 8601, UTC), how many questions."""

    conversation_id: str
    title: str
    changed: str
    questions: int

    def as_json(self) -> dict[str, Any]:
        return {
            "conversation_id": self.conversation_id,
            "title": self.title,
            "changed": self.changed,
            "questions": self.questions,
        }


@dataclass(frozen=True, slots=True)
class Asked:
    """What somebody asks: the question, the model, the filter, and the exchange that it takes the place of, if any."""

    question: str
    model: str
    filter: SearchFilter = field(default_factory=SearchFilter)
    replaces: str = ""


def filter_as_json(search_filter: SearchFilter) -> dict[str, Any]:
    """The filter with days as ISO 8601."""
    day = {name: getattr(search_filter, name) for name in ("date_from", "date_to", "as_of")}
    return {
        **{name: None if value is None else value.isoformat() for name, value in day.items()},
        "sources": sorted(search_filter.sources),
    }


def filter_from_json(document: Mapping[str, Any]) -> SearchFilter:
    """The filter that `filter_as_json` wrote."""
    day = {name: document.get(name) for name in ("date_from", "date_to", "as_of")}
    return SearchFilter(
        **{name: None if value is None else first_day(value) for name, value in day.items()},
        sources=frozenset(document.get("sources", ())),
    )
