"""The people of an article, by names that a question can use: without the office, and surely no company or ship."""

import re

from eval.draft_types import Story
from rag.analysis import STOP_WORDS
from rag.attributions import is_country, is_person
from rag.names import unify
from rag.people import people_in

_OFFICES = frozenset(
    (
        "minister premier judge sergeant councillor councilor mediator captain auctioneer president mayor senator "
        "governor secretary chancellor ambassador envoy spokesman spokeswoman spokesperson professor dr mr mrs ms "
        "director chief general colonel commissioner leader king queen prince princess pope chairman chairwoman "
        "engineer master economist archaeologist historian biologist scientist author writer actor actress singer "
        "architect philosopher physicist chemist mathematician astronomer "
    ).split()
)
"""Words of offices, behind which the name begins."""

_BODIES = frozenset(
    "lines partners marine brothers shipping airlines airways industries holdings motors energy oil media studios "
    "systems technologies sons works".split()
)
"""Last words of the names of companies."""


def is_state(name: str) -> bool:
    """True for the own name of a country, not for its people, its capital or its adjective."""
    return unify(name) == ["=" + name.lower().replace(" ", "-")] and name not in {"European Union", "United Nations"}


def person_in(text: str, story: Story) -> str | None:
    """The full name that a text ends with, without the office in front of it; `None` if it is nobody's.

    Where the article says "the NAME", the name is a body's or a ship's.
    """
    people = people_in(text)
    if len(people) != 1 or not text.endswith(people[0]) or " and " in text:
        return None
    words = people[0].split()
    offices = [index for index, word in enumerate(words) if word.lower() in _OFFICES]
    words = words[offices[-1] + 1 :] if offices else words
    if words and (words[0].lower() in STOP_WORDS | {"several"} or words[0].endswith("ly") or is_country(words[-1])):
        return None
    name = " ".join(words)
    before = text.removesuffix(name).split()
    if not words or not is_person(name) or words[-1].lower() in _BODIES or not _is_met_as_person(name, story):
        return None
    return None if before and before[0].lower() in {"the", "its", "his", "her", "their"} else name


def _is_met_as_person(name: str, story: Story) -> bool:
    """False where the article says "the NAME" or "NAME, which"; a single name must not only begin sentences."""
    written = re.escape(name)
    if re.search(
        rf"\b[Tt]he (?:(?!(?:{'|'.join(_OFFICES)})\b)[a-z]+ )?{written}\b|\b{written}, (?:which|a (?:firm|company))\b",
        story.body,
    ):
        return False
    return " " in name or re.search(rf"[a-z,\"”] {written}\b", story.body) is not None


def name_forms(person: str, story: Story) -> tuple[str, ...]:
    """The full name, and the surname where nobody else in the article has it."""
    surname = person.split()[-1]
    bearers = {name for name in people_in(story.article.text) if " " in name and name.split()[-1] == surname}
    return (person, surname) if len(bearers) <= 1 else (person,)
