"""Names that news uses for the same thing: a country, its people, its adjective and its capital, and a few others."""

import re
from collections.abc import Sequence
from functools import lru_cache

from index.keywords import analyze
from index.library import Library

# A line for each country: its names, then what its people and things are called, then the capital that stands for its
# government in news ("Moscow said"). Order does not matter.
_COUNTRIES = """
united states; usa; america; american; americans; washington
north korea; dprk; north korean; north koreans; pyongyang
south korea; south korean; south koreans; seoul
russia; russian federation; russian; russians; moscow; kremlin
china; chinese; beijing
japan; japanese; tokyo
united kingdom; uk; britain; great britain; british; britons; london
france; french; paris
germany; german; germans; berlin
ukraine; ukrainian; ukrainians; kyiv; kiev
european union; eu; brussels
united nations; un
iran; iranian; iranians; tehran
iraq; iraqi; iraqis; baghdad
israel; israeli; israelis
syria; syrian; syrians; damascus
turkey; turkiye; turkish; turks; ankara
india; indian; indians; new delhi
pakistan; pakistani; pakistanis; islamabad
afghanistan; afghan; afghans; kabul
saudi arabia; saudi; saudis; riyadh
egypt; egyptian; egyptians; cairo
canada; canadian; canadians; ottawa
mexico; mexican; mexicans
brazil; brazilian; brazilians; brasilia
argentina; argentine; argentinian; argentines
venezuela; venezuelan; venezuelans; caracas
cuba; cuban; cubans; havana
australia; australian; australians; canberra
new zealand; new zealander; new zealanders
italy; italian; italians; rome
spain; spanish; spaniards; madrid
portugal; portuguese; lisbon
netherlands; dutch; the hague
belgium; belgian; belgians
poland; polish; warsaw
hungary; hungarian; hungarians; budapest
austria; austrian; austrians; vienna
switzerland; swiss; bern
sweden; swedish; swedes; stockholm
norway; norwegian; norwegians; oslo
finland; finnish; finns; helsinki
denmark; danish; danes; copenhagen
greece; greek; greeks; athens
belarus; belarusian; belarusians; minsk
vietnam; vietnamese; hanoi
thailand; thai; thais; bangkok
indonesia; indonesian; indonesians; jakarta
malaysia; malaysian; malaysians; kuala lumpur
philippines; philippine; filipino; filipinos; manila
taiwan; taiwanese; taipei
myanmar; burma; burmese; naypyidaw
south africa; south african; south africans; pretoria
nigeria; nigerian; nigerians; abuja
kenya; kenyan; kenyans; nairobi
ethiopia; ethiopian; ethiopians; addis ababa
libya; libyan; libyans; tripoli
lebanon; lebanese; beirut
qatar; qatari; qataris; doha
"""

# Other names of one thing that news alternates between.
_OTHERS = """
coronavirus; covid; covid 19; sars cov 2
icbm; intercontinental ballistic missile; intercontinental missile
"""


@lru_cache(maxsize=1)
def _groups() -> dict[tuple[str, ...], str]:
    """Each name as its terms, with the token that stands for its group."""
    table = {}
    for line in (_COUNTRIES + _OTHERS).strip().splitlines():
        names = [name.strip() for name in line.split(";")]
        token = "=" + names[0].replace(" ", "-")
        for name in names:
            table[tuple(analyze(name))] = token
    return table


@lru_cache(maxsize=1)
def _longest() -> dict[str, int]:
    """How many terms the longest name has that begins with a term, at most `MOST_TERMS`."""
    longest: dict[str, int] = {}
    for name in filter(None, _groups()):
        longest[name[0]] = max(longest.get(name[0], 0), min(len(name), MOST_TERMS))
    return longest


MOST_TERMS = 3
"""Terms of the longest names that are looked for."""

_AMERICA = re.compile(r"\b(?:US|U\. ?S\.?|u\.s\.?)(?: ?[Aa]\.)?(?!\w)")
"""The country by its initials, which are the pronoun "us" once they are small."""

_INITIALISMS: dict[tuple[str, ...], str] = {("u", "n"): "un", ("u", "k"): "uk", ("e", "u"): "eu"}
_INITIALS = frozenset(letters[0] for letters in _INITIALISMS)
"""Terms of names that some write with full stops; "U.S." is made "USA" before it comes to terms."""


def unify(text: str) -> list[str]:
    """The terms of a text (see `index.keywords.analyze`), names of a country replaced by one token for all of them.

    `North Koreans`, `Pyongyang` and `the DPRK` all give `=north-korea`; `U.S.` and `Washington` give `=united-states`,
    and "us" stays the pronoun.
    """
    terms = analyze(_AMERICA.sub("USA", text))
    if not _INITIALS.isdisjoint(terms):
        terms = _with_initialisms(terms)
    table, longest = _groups(), _longest()
    if longest.keys().isdisjoint(terms):
        return terms
    unified: list[str] = []
    position = 0
    while position < len(terms):
        term = terms[position]
        for length in range(longest.get(term, 0), 0, -1):
            token = table.get(tuple(terms[position : position + length]))
            if token is not None:
                unified.append(token)
                position += length
                break
        else:
            unified.append(term)
            position += 1
    return unified


def _with_initialisms(words: Sequence[str]) -> list[str]:
    """The words with those of `_INITIALISMS` made one."""
    terms: list[str] = []
    position = 0
    while position < len(words):
        joined = _INITIALISMS.get(tuple(words[position : position + 2]))
        terms.append(joined or words[position])
        position += 2 if joined else 1
    return terms


@lru_cache(maxsize=1)
def _members() -> dict[str, list[tuple[str, ...]]]:
    members: dict[str, list[tuple[str, ...]]] = {}
    for name, token in _groups().items():
        members.setdefault(token, []).append(name)
    # As the index has them, which knows nothing of initials.
    members[_groups()["usa",]] += [("us",), ("u", "s")]
    for letters, joined in _INITIALISMS.items():
        members[_groups()[joined,]].append(letters)
    return members


def document_frequency(library: Library, terms: Sequence[str]) -> dict[str, int]:
    """In how many passages each term of `unify` occurs; of a country's token, the most frequent of its names.

    A name of several words counts as often as its rarest word, which is an upper bound.
    """
    members = _members()
    names = {term: members.get(term, [(term,)]) for term in terms}
    words = sorted({word for forms in names.values() for form in forms for word in form})
    counted = library.document_frequency(words)
    return {term: max(min(counted[word] for word in form) for form in forms) for term, forms in names.items()}
