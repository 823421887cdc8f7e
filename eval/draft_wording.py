"""Whether a question can be understood without the article that it was made from, and what makes it so."""

import re
from collections.abc import Iterable
from itertools import pairwise

from eval.draft_people import person_in
from eval.draft_types import Story
from index.dates import MONTH_PATTERN
from rag.analysis import find_names

MAX_QUESTION_WORDS = 30
"""Words without the name of the article; longer questions are sentences with a question mark."""

MIN_QUESTION_WORDS = 5
"""Words; shorter questions do not say what they are about."""

_POINTS_BACK = re.compile(
    r"\b(?:[Hh]e|[Ss]he|[Ii]t|[Tt]hey|[Hh]im|[Tt]hem|himself|herself|itself|themselves|I|[Mm]e|[Mm]y|[Ww]e|[Uu]s|[Oo]ur|"
    r"[Yy]ou|[Yy]our|[Tt]his|[Tt]hese|[Tt]hose|[Tt]hat|here|there|such|another|others?|latter|same|both|latest|further|"
    r"[Oo]ne|ones|so|then|thus|too|again|instead|else|either|neither|ago|yesterday|today|tomorrow|tonight|now|recently|"
    r"soon|earlier|later|remaining|above|below|following|previous|next|last|more|at the time(?! of)|"
    r"(?:Mon|Tues|Wednes|Thurs|Fri|Satur|Sun)days?)\b"
)
"""Words whose meaning stands somewhere else in the article. "US" is told from "us" by its letters."""

_POSSESSIVE = re.compile(r"\b(?:[Hh]is|[Hh]er|[Ii]ts|[Tt]heir)\b")
_OPENING = re.compile(
    r"^(?:Who|Whom|What|When|How many|How much|Since when|Until when|By when|For how long|By what|In what|How)\b"
)
_TIME = re.compile(rf"\b(?:{MONTH_PATTERN}|\d{{4}})")
_NAME = re.compile(r"(?:[A-Z][\w’'-]*|[A-Z]\.(?:[A-Z]\.)+)(?: (?:(?:of|for|and|of the|for the) )?[A-Z][\w’'-]*)+")
_RELATIVE_YEAR = re.compile(r"\b(?:(?P<preposition>[Ii]n) )?(?P<which>[Tt]his|[Ll]ast|[Nn]ext) year\b(?![’'])")
_DISTANCE = {"this": 0, "last": -1, "next": 1}
_VAGUE_HEADS = frozenset("time end day week month year first rest government world sea public".split())


_WORD_ENDINGS = ("s", "al", "ing", "ed", "ic", "ive", "ous", "tion", "ment")


def place_in_time(text: str, story: Story) -> str:
    """The text with "this year" as "in 2017", where the year of the article is known."""
    if story.published is None:
        return text
    year = int(story.published)

    def dated(match: re.Match[str]) -> str:
        is_first = (match["preposition"] or match["which"])[0].isupper()
        return f"{'In' if is_first else 'in'} {year + _DISTANCE[match['which'].lower()]}"

    return _RELATIVE_YEAR.sub(dated, text)


def inside(phrase: str, story: Story) -> str:
    """A phrase from the beginning of a sentence as it stands inside one: a name keeps its capital letter."""
    first, _, others = phrase.partition(" ")
    is_small = first.lower() in {
        "the",
        "over",
        "under",
        "around",
        "almost",
        "a",
        "an",
        "some",
        "about",
        "nearly",
        "more",
        "most",
        "all",
    }
    is_name = (
        others[:1].isupper()
        or others[:1].isdigit()
        or re.search(rf"[a-z,] {re.escape(first)}\b", story.body) is not None
    )
    is_word = first.lower() in story.small_words or first.endswith(_WORD_ENDINGS)
    if is_small or (first.isalpha() and not is_name and is_word):
        return f"{first[:1].lower()}{first[1:]} {others}".strip()
    return phrase


def full_name(head: str, story: Story) -> str | None:
    """What "the HEAD" means in an article: the only name in it that has the word.

    `None` where there are several, or where the article speaks of another HEAD as well, as in "a nine-member HEAD".
    """
    if head in _VAGUE_HEADS:
        return None
    names: dict[str, int] = {}
    for match in _NAME.finditer(story.body):
        words = re.sub(r"^(?:The|A|An|But|In|On|At|And) ", "", match.group()).split()
        heads = {words[-1].lower()} | {word.lower() for word, after in pairwise(words) if after in {"of", "for"}}
        if len(words) > 1 and head in heads:
            names.setdefault(" ".join(words), match.start())
    distinct = {_bare(name): name for name in sorted(names, key=len)}
    if len(distinct) != 1:
        return None
    name = min(names, key=lambda form: names[form])
    known = {"the", *(_bare(word) for word in name.split())}
    before = re.findall(rf"(\S+) {re.escape(head)}\b", story.body)
    return name if all(_bare(word) in known for word in before) else None


def _bare(name: str) -> str:
    return re.sub(r"[’']s?\b", "", name).lower()


def resolved_subject(subject: str, story: Story) -> tuple[str, bool]:
    """A subject as it stands inside a question, and whether it says by itself what it is."""
    person = person_in(subject, story)
    if person is not None and " " in person:
        return person, True
    phrase = inside(subject, story)
    bare = re.fullmatch(r"the ([a-z]+)(?P<possessive>[’']s? .+)?", phrase)
    if bare is not None:
        name = full_name(bare[1], story)
        if name is None:
            return phrase, False
        return f"the {name}{bare['possessive'] or ''}", True
    definite = phrase.startswith("the ") and not re.search(r"[A-Z]", phrase)
    return phrase, not definite or " of " in phrase


def has_name(text: str) -> bool:
    """True if a question names something: a person, a place, a body, a thing."""
    body = _OPENING.sub("", text)
    return any(not _TIME.fullmatch(name) for name in find_names("So " + body.strip()))


def stands_alone(question: str, *, possessive: bool = False) -> bool:
    """True if no word of the question means something that only the article says.

    `possessive` allows "his" and "their" behind a name, which can mean the one who is named.
    """
    body = re.sub(r"“[^”]*”", "", question)
    words = len(body.split())
    if not MIN_QUESTION_WORDS <= words <= MAX_QUESTION_WORDS and "“" not in question:
        return False
    if _POINTS_BACK.search(_OPENING.sub("", body)):
        return False
    own = _POSSESSIVE.search(body)
    return own is None or (possessive and re.search(r"(?<!^)[A-Z]", body[: own.start()][1:]) is not None)


def anchored(question: str, story: Story, answers: Iterable[str] = ()) -> str | None:
    """The question with the article named in it, `None` if the article cannot be named.

    By its title where the question names nothing else, since a date does not say what "the permit" is for; by source
    and date otherwise, or where the title holds an answer.
    """
    titled = story.titled_label
    if titled is not None and any(answer.lower() in titled.lower() for answer in answers):
        titled = None
    label = (story.dated_label or titled) if has_name(question) else (titled or story.dated_label)
    if label is None:
        return None
    claimant = re.match(r"According to [^,]+(?=,)", question)
    if claimant is not None:
        return f"{claimant.group()} in {label}{question[claimant.end() :]}"
    return f"According to {label}, {question[:1].lower()}{question[1:]}"
