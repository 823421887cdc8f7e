"""The names of a collection that can stand in for each other: people who speak, countries, and things with "the"."""

import re
from collections.abc import Iterable
from dataclasses import dataclass

from eval.draft_people import is_state, person_in
from eval.draft_types import Story
from rag.analysis import find_names
from rag.attributions import is_country

_THING = re.compile(
    r"(?<=[a-z,] )the ((?:[A-Z][\w’'&-]*\w )+[A-Z][\w’'&-]*\w(?: of [A-Z][\w-]*\w)?)"
    r"(?=[.,;?!]|\s(?:and(?! [A-Z])|to|in|on|at|for|from|with|by|is|was|had|has|would|will|said|before|after|until|"
    r"when|which|that)\b)"
)
_SYSTEM = re.compile(
    r"(?<=[a-z,] )the ([A-Z]{4,} (?:[a-z]+ )?(?:system|programme|program|project|treaty|summit|plan|mission))\b"
)
_TITLES = re.compile(
    r"\b(?:Minister|President|Premier|Secretary|Ambassador|Street|University|Council|January|February|March|April|June|"
    r"July|August|September|October|November|December)\b"
)


@dataclass(frozen=True, slots=True)
class Names:
    """Names with the articles that hold them, in the order in which they were met.

    `people` are those whose words are reported, `countries` are as they are written, `things` are what the articles
    put "the" before: bodies, places, buildings, events.
    """

    people: dict[str, frozenset[str]]
    countries: dict[str, frozenset[str]]
    things: dict[str, frozenset[str]]

    @classmethod
    def of(cls, stories: Iterable[Story]) -> "Names":
        """The names of the stories."""
        people: dict[str, set[str]] = {}
        countries: dict[str, set[str]] = {}
        things: dict[str, set[str]] = {}
        sources = set()
        for story in stories:
            identifier = story.article.article_id
            if story.article.source:
                sources.add(story.article.source.lower().removeprefix("the "))
            for speaker in story.structure.speakers:
                name = person_in(speaker.name, story) if speaker is not None else None
                if name is not None:
                    people.setdefault(name, set()).add(identifier)
            for name in find_names(story.body):
                if is_state(name):
                    countries.setdefault(name, set()).add(identifier)
            for match in (*_THING.finditer(story.body), *_SYSTEM.finditer(story.body)):
                things.setdefault(match[1], set()).add(identifier)
        surnames = {name.split()[-1] for name in people}
        kept = {
            thing: articles
            for thing, articles in things.items()
            if not any(other.endswith(f" {thing}") or other.startswith(f"{thing} of ") for other in things)
            and not is_country(thing)
            and not _TITLES.search(thing)
            and not surnames & set(thing.split())
            and thing.lower() not in sources
        }
        return cls(_frozen(people), _frozen(countries), _frozen(kept))


def _frozen(found: dict[str, set[str]]) -> dict[str, frozenset[str]]:
    return {name: frozenset(articles) for name, articles in sorted(found.items())}
