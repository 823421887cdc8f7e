"""How a sentence of news attributes words: to a name next to a verb of saying, or to "he", "she", "the minister"."""

import re
from functools import lru_cache

from index.patterns import late
from index.sentences import SPEECH_VERBS
from rag.names import unify

_WORD = r"(?:[A-Z]\.){2,}|[A-Z][\w’'-]*\w|[A-Z]\."
_NAME = rf"(?:{_WORD})(?:\s(?:(?:bin|al|de|van|von|der|la)\s)?(?:{_WORD})){{0,6}}"
ROLES = frozenset(
    (
        "deputy vice former acting prime foreign defence defense finance interior permanent chief senior state top "
        "ambassador envoy minister spokesman spokeswoman spokesperson president secretary general leader director head "
        "chairman chairwoman chair professor senator governor mayor representative commissioner officer diplomat "
        "analyst captain executive manager lawyer judge councillor councilor activist economist scientist biologist "
        "engineer"
    ).split()
)
"""Words for what a person is, and what stands before them."""

_ROLE = "|".join(sorted(ROLES, key=lambda role: (-len(role), role)))
_LEAD = rf"(?:(?:{_WORD}|{_ROLE})\s){{0,7}}"
_WHO = rf"(?P<who>{_LEAD}{_NAME})"
_OTHER_VERBS = "saying|endorsed|vowed|reiterated|called|condemned|criticised|criticized"
_VERBS = (
    # "concluded his trip", "continued the tests" and "called off the vote" report no words.
    r"(?!(?:concluded|continued)\s(?:the|an?|his|her|its|their|to|with|in|on|at|until|into|work)\b)"
    rf"(?:{SPEECH_VERBS}|{_OTHER_VERBS})\b(?!\s(?:off|up)\b)"
)
_ADVERBS = r"(?:(?:also|later|then|has|had|was\scited\sas|repeatedly|publicly)\s){0,2}"

_ATTRIBUTIONS = (
    late(
        rf"[\"”’'],?\s(?:{SPEECH_VERBS})\s(?:the|its|his|her|their|an?)\s[^,\"“”.;]{{0,60}}\b(?:{_ROLE})\b"
        rf"[^,\"“”.;]{{0,60}},\s{_WHO}(?=[,.;]|$)"
    ),
    late(rf"[\"”’'],?\s(?:{SPEECH_VERBS})\s{_WHO}(?![’'])"),
    late(rf"(?<![\w,] )(?<!\w’s )(?<!\w's ){_WHO}\s{_ADVERBS}{_VERBS}"),
    late(rf"{_WHO}\s{_ADVERBS}{_VERBS}"),
    late(rf"^[^,\"“]{{0,80}}\b(?:{_ROLE})\b[^,\"“]{{0,60}},\s{_WHO},(?:\s[^\"“”;]{{2,160}}?,)?\s{_ADVERBS}{_VERBS}"),
    late(rf"{_WHO},\s[^\"“”;]{{2,160}}?,\s{_ADVERBS}{_VERBS}"),
)
"""How news attributes words to a name, the surest form first."""

_OF_PLACE = late(
    rf"(?P<who>{_LEAD}{_NAME})\s(?:of|from|at)(?:\s(?:the|of|for|and|at|in|{_WORD})){{1,12}}(?:,\s[^\"“”;]{{2,160}}?,)?"
    rf"\s{_ADVERBS}{_VERBS}"
)
"""`Ann Lee of the University of Tarrow, who found it, said`."""

_HAS_VERB = late(rf"\s(?:{SPEECH_VERBS}|{_OTHER_VERBS})\b")
"""What every one of these forms has; a sentence without it need not be looked through for them."""

_BEFORE_OTHERS = late(
    r"(?:\b(?:of|for|from|to|in|at|by|with|against|near|about|between|over|than|like|on|after|before|behind|under|or|nor|"
    r"that|what|whether|if|which|whom|because|where|how|why|when|until|unless|though|although)|\b\w+ing)\s(?:the\s)?$"
)
"""What stands before a name that is not the subject of the verb behind it: `critics of`, `a court in`, `which the`."""

_ROLE_TO = late(rf"\b(?:{_ROLE})\s(?:to|of|for|at|in)\s(?:the\s)?$", re.IGNORECASE)
_JOINED = late(rf"(?P<before>.*?)(?P<first>{_LEAD}{_NAME}),?\sand\s(?:the\s)?$", re.DOTALL)

_ONE = rf"(?P<title>[Tt]he(?:\s(?:{_WORD}|{_ROLE})){{0,4}}\s(?:{_ROLE}))"
_REFERENCE = rf"(?:(?P<pronoun>[Hh]e|[Ss]he)|{_ONE})"
_REFERENCES = (
    late(rf"\b{_REFERENCE}\s{_ADVERBS}{_VERBS}"),
    late(rf"[\"”’'],?\s(?:{SPEECH_VERBS})\s{_REFERENCE}\b"),
)
_SPEAKS = late(rf"\b{_VERBS}|\b[Aa]ccording\sto\b")
_ANSWERS = late(r"\b(?:replied|answered|responded|retorted)\b")
_QUOTED = late(r"[\"“][^\"“”]*(?:[\"”]|$)")

_QUOTATION_MARK = late(r"[\"“”]")

_ANY_NAME = late(_WHO)

_NOT_NAMES = frozenset(
    (
        "The A An He She It They We I In On At But And Or So If When While After Before Since Although However "
        "Meanwhile This That These Those There Here His Her Its Their Our For From By With As To Also Both Earlier "
        "Later Following Monday Tuesday Wednesday Thursday Friday Saturday Sunday January February March April May "
        "June July August September October November December Asked Speaking Now Then Yet Not No Some Most Many "
        "Of Neither Either Nor Another One Two Three Several Few Others Nobody Everyone Everybody Somebody Someone "
        "People Police Reporters Journalists Officials Critics Supporters Opponents Residents Witnesses Experts "
        "Analysts Activists Lawmakers Sources Protesters Authorities Investigators Prosecutors Diplomats Lawyers "
        "Scientists Researchers Doctors Leaders Ministers Senators Voters Workers Once Today Yesterday Instead Still"
    ).split()
)
_PREPOSITIONS = frozenset("In At From By With To For On Of After Before Since Following".split())

_GROUP_WORDS = frozenset(
    (
        "ministry post times agency council government committee court party union nations house department office "
        "bank company corp inc association university news kremlin parliament commission tribune telegraph guardian "
        "journal alliance club team army navy senate congress group institute centre center foundation board authority "
        "secretariat"
    ).split()
)
"""Last words of names that are not a person's, so that "he" cannot mean them."""

_ROLE_WORDS = late(rf"\b(?:{_ROLE})\b", re.IGNORECASE)
_ANY_ROLE = frozenset("diplomat leader official chief top senior state former acting permanent general".split())
"""Roles that anybody of rank may be called by."""


def clean_name(name: str) -> str:
    """A name without the words in front of it that only begin the sentence; empty if nothing is left."""
    words = name.split()
    after_preposition = False
    while words and words[0] in _NOT_NAMES:
        after_preposition = words[0] in _PREPOSITIONS
        words = words[1:]
    # "In Washington Lavrov said".
    while after_preposition and len(words) > 1 and is_country(words[0]):
        words = words[1:]
    return " ".join(words)


def names_in(sentence: str) -> list[str]:
    """Everything in a sentence that has the form of a name, of people and of others."""
    names = []
    for match in _ANY_NAME.finditer(sentence):
        name = _without_post(sentence[: match.start("who")], clean_name(match.group("who")))
        if name:
            names.append(name)
    return names


@lru_cache(maxsize=4096)
def is_country(name: str) -> bool:
    """True if a name is that of a country, its people or its capital and of nobody."""
    terms = unify(name)
    return bool(terms) and all(term.startswith("=") for term in terms)


def is_person(name: str) -> bool:
    """False if a name can be seen to be a country, an office, a newspaper or several at once."""
    words = re.findall(r"\w+", name.lower())
    return not is_country(name) and words[-1] not in _GROUP_WORDS and "and" not in words


def named_speaker(sentence: str, inside: bool) -> str | None:
    """The name that a sentence attributes its words to; `inside` if it begins inside a quotation."""
    if _HAS_VERB.search(sentence) is None:
        return None
    for pattern in _ATTRIBUTIONS:
        for match in pattern.finditer(sentence):
            before = sentence[: match.start("who")]
            if ends_inside_quotation(before, inside):
                continue
            who = _subject(before, clean_name(match.group("who")), match.group())
            if who:
                return who
    for match in _OF_PLACE.finditer(sentence):
        before, who = sentence[: match.start("who")], clean_name(match.group("who"))
        is_full_name = " " in who and is_person(who) and not _ROLE_WORDS.fullmatch(who.split()[-1])
        if is_full_name and not ends_inside_quotation(before, inside) and not _BEFORE_OTHERS.search(before):
            return who
    return None


def _subject(before: str, who: str, clause: str) -> str:
    """The subject of the verb behind `who`: that, or `X and who`; empty if it is another, as in `critics of who`."""
    if not who or who.endswith(("'s", "’s")):
        return ""
    joined = _JOINED.match(before)
    if joined is not None:
        first = clean_name(joined["first"])
        if first:
            return "" if _BEFORE_OTHERS.search(joined["before"]) else f"{first} and {who}"
    if _BEFORE_OTHERS.search(before) is None or (before.endswith("with ") and clause.endswith("saying")):
        return who
    held = _without_post(before, who)
    return held if held != who else ""


def _without_post(before: str, who: str) -> str:
    """`Nikki Haley` of `United Nations Nikki Haley` where `ambassador to the` stands before it."""
    if _ROLE_TO.search(before) is not None:
        words = who.split()
        for cut in range(len(words) - 1, 0, -1):
            if is_country(" ".join(words[:cut])):
                return " ".join(words[cut:])
    return who


def ends_inside_quotation(text: str, inside: bool) -> bool:
    """True if a text ends inside a quotation; `inside` if it begins inside one."""
    for mark in _QUOTATION_MARK.findall(text):
        inside = not inside if mark == '"' else mark == "“"
    return inside


def speaks_outside_quotation(sentence: str, inside: bool) -> bool:
    """True if the sentence has a verb of saying outside the words it quotes, whoever says it."""
    return _SPEAKS.search(_QUOTED.sub('""', '"' + sentence if inside else sentence)) is not None


def refers_to(sentence: str, inside: bool, name: str, known: str, pronouns: set[str]) -> bool:
    """True if the sentence says "he said", "the minister said", and that can be the person of that name.

    `known` is the sentence that names them, `pronouns` those that are known to mean them, `he` or `she`.
    """
    outside = _QUOTED.sub('""', '"' + sentence if inside else sentence)
    for pattern in _REFERENCES:
        for match in pattern.finditer(outside):
            if _ANSWERS.search(match.group()):
                continue
            if match["pronoun"]:
                if is_person(name) and pronouns <= {match["pronoun"].lower()}:
                    return True
            elif _title_fits(match["title"], name, known):
                return True
    return False


def pronoun_of(sentence: str, inside: bool) -> str | None:
    """`he` or `she` if the sentence says that one of them spoke."""
    outside = _QUOTED.sub('""', '"' + sentence if inside else sentence)
    found = {match["pronoun"].lower() for p in _REFERENCES for match in p.finditer(outside) if match["pronoun"]}
    return found.pop() if len(found) == 1 else None


def _title_fits(title: str, name: str, known: str) -> bool:
    """Whether "the Chinese envoy" can be the person of a name, by the country and the office that are known."""
    if not is_person(name):
        return False
    countries = {term for term in unify(title) if term.startswith("=")}
    if not countries <= set(unify(f"{name} {known}")):
        return False
    held = {role.lower() for role in _ROLE_WORDS.findall(name)} - _ANY_ROLE
    called = {role.lower() for role in _ROLE_WORDS.findall(title)} - _ANY_ROLE
    return not held or called <= held
