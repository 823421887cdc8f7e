"""The main clause of a sentence, taken apart by rules: subject, verb, and what follows.

There is no parser here, and none is imitated. The rules know the plain shapes of news sentences and give up on every
other: a sentence that is not understood makes no question, which costs nothing, while one that is misread makes a bad
one that a person has to throw away.
"""

import re
from dataclasses import dataclass

from eval.draft_verbs import AUXILIARIES, BE, MODALS, finite_form, is_base, is_known_finite, is_participle, looks_finite

MAX_SUBJECT_WORDS = 9
"""Words; a longer subject nearly always hides a clause of its own."""

PREPOSITIONS = frozenset(
    "about above across after against along amid among around as at before behind below beside between beyond by "
    "despite during for from in inside into like near of off on onto out outside over per since than through "
    "throughout to toward towards under until up upon via with within without down".split()
)
_DETERMINERS = frozenset(
    "the a an this that these those its his her their our my your no any every each some all both such another many "
    "several few more most other".split()
)
_CONJUNCTIONS = frozenset("and or but nor yet so".split())
_CLAUSE_WORDS = frozenset(
    "that which who whom whose where when while because although though if unless whereas whether how why what once "
    "but".split()
)
_RELATIVE = frozenset("that which who whose where".split())
_MAYBE_CLAUSE_WORDS = frozenset("after before since until as".split())
"""Words that begin a clause or a phrase: a clause if a finite verb follows."""

_SKIPPED_ADVERBS = frozenset("also now still then already later again even just only thus therefore".split())
_NEGATIONS = frozenset("not never hardly barely no longer".split())
_LEAD = re.compile(
    r"^(?P<lead>(?:In|On|At|Under|During|Since|Until|By) [^,]{3,45}|For the first time), (?P<clause>[^ ].+)$"
)
_APPOSITION = re.compile(
    r"^(?P<subject>[^,]{3,70}), (?P<apposition>[^,]{1,120}(?:, [^,]{2,80})?), (?P<predicate>[a-z].+)$"
)
_DAY = r"(?:Mon|Tues|Wednes|Thurs|Fri|Satur|Sun)day"
_WEEKDAY_AND_DATE = re.compile(rf"\b(?P<on>[Oo]n) {_DAY}, (?=[A-Z][a-z]{{2,8}}\.? \d)")
_WEEKDAY = re.compile(
    rf"^On {_DAY}(?: (?:morning|afternoon|evening|night))?,? |"
    rf",? ?\b(?:on|by|late on|early on) {_DAY}(?: (?:morning|afternoon|evening|night))?(?: at midnight)?\b"
)
_QUOTATION_MARK = re.compile(r"[\"“”«»‘]|(?<!\w)'|'(?!\w)")


_NUMBER = re.compile(r"\d|(?:two|three|four|five|six|seven|eight|nine|ten|twenty|thirty|forty|fifty)\b")
_YEAR = re.compile(r"(?:1[5-9]|20)\d\d\b")


@dataclass(frozen=True, slots=True)
class Clause:
    """A main clause. `lead` is a phrase that stood before it, `""` if none; `apposition` what was left out behind the
    subject. `auxiliary` is `""` in a simple tense, `verb` is `""` where `be` is the only verb. `rest` ends with the
    clause: nothing of a subordinate clause, and no weekday. `is_cut` is true if a clause with "that" or "which" and no
    comma followed it, without which a noun in it may say too little."""

    lead: str
    subject: str
    apposition: str
    auxiliary: str
    middle: str
    verb: str
    rest: str
    is_cut: bool = False

    @property
    def base(self) -> str:
        """The infinitive of the verb; the verb itself behind an auxiliary."""
        form = finite_form(self.verb)
        return self.verb if self.auxiliary or form is None else form.base

    @property
    def predicate(self) -> str:
        """Verb and rest as they stand in the sentence."""
        return joined(self.auxiliary, self.middle, self.verb, self.rest)

    def asked(self, subject: str, rest: str) -> str:
        """The clause in the order of a question: "did the board approve the levy"."""
        if self.auxiliary:
            return joined(self.auxiliary, subject, self.middle, self.verb, rest)
        form = finite_form(self.verb)
        help_verb = "does" if form is not None and form.tense == "present" else "did"
        return joined(help_verb, subject, self.base, rest)


def joined(*parts: str) -> str:
    """The parts that are not empty, with one space between them."""
    return " ".join(part for part in parts if part)


def parse_clause(sentence: str) -> Clause | None:
    """The main clause of a sentence on one line, `None` where the rules do not know its shape."""
    text = sentence.strip()
    if _QUOTATION_MARK.search(text) or not text.endswith(".") or "?" in text or "(" in text or "[" in text:
        return None
    text = re.split(r"\s(?:--|[-–—])\s|[;:]\s|—", text[:-1])[0]
    text = _WEEKDAY_AND_DATE.sub(r"\g<on> ", text)
    text = " ".join(_WEEKDAY.sub("", text).split())
    text = text[:1].upper() + text[1:]
    lead = ""
    leading = _LEAD.match(text)
    if leading is not None:
        lead, text = leading["lead"], leading["clause"]
        if any(looks_finite(word) for word in lead.split()) or _CLAUSE_WORDS & set(lead.lower().split()):
            return None
        lead = "" if lead == "For the first time" else lead
    apposition = ""
    apposed = _APPOSITION.match(text)
    if apposed is not None and _starts_with_verb(apposed["predicate"]) and _find_verb(apposed["subject"].split()) < 0:
        apposition, text = apposed["apposition"], f"{apposed['subject']} {apposed['predicate']}"
    words = text.split()
    position = _find_verb(words)
    if position < 1 or not _is_subject(words[:position]):
        return None
    return _from_words(lead, words[:position], apposition, words[position:])


def _from_words(lead: str, subject: list[str], apposition: str, words: list[str]) -> Clause | None:
    """The clause of a subject and the words from its finite verb on."""
    first, behind = words[0], words[1:]
    middle: list[str] = []
    if first not in AUXILIARIES:
        is_auxiliary = first in {"did", "does"} or (behind[:1] == ["not"])
        if is_auxiliary or finite_form(first) is None or (is_participle(first) and _has_other_verb(behind)):
            return None
        rest = clause_rest(behind)
        if rest is None:
            return None
        return Clause(lead, " ".join(subject), apposition, "", "", first, rest, _is_cut(behind, rest))
    while behind and (behind[0] in {"been", "be", "being", "have"} or behind[0].endswith("ly") or
                      behind[0] in _SKIPPED_ADVERBS | _NEGATIONS):  # fmt: skip
        if behind[0] in _NEGATIONS:
            return None
        if behind[0] not in _SKIPPED_ADVERBS:
            middle.append(behind[0])
        behind = behind[1:]
    if not behind:
        return None
    auxiliary, verb = first, behind[0]
    in_passive = bool({"been", "be", "being"} & set(middle)) or first in BE
    if first in BE or in_passive:
        is_verb = is_participle(verb) or (verb.endswith(("ed", "ing")) and len(verb) > 5)
        verb, behind = (verb, behind[1:]) if is_verb else ("", behind)
        if not is_verb and first not in BE:
            return None
    elif first in MODALS:
        if not is_base(verb):
            return None
        behind = behind[1:]
    elif is_participle(verb):
        behind = behind[1:]
    else:
        if middle:
            return None
        auxiliary, verb = "", first
    rest = clause_rest(behind)
    if rest is None:
        return None
    passed = " ".join(middle)
    return Clause(lead, " ".join(subject), apposition, auxiliary, passed, verb, rest, _is_cut(behind, rest))


def _is_cut(words: list[str], rest: str) -> bool:
    """True if the first word that the rest of a clause leaves out goes on about its last noun."""
    kept = len(rest.split())
    return 0 < kept < len(words) and words[kept] in _RELATIVE and not words[kept - 1].endswith(",")


def clause_rest(words: list[str]) -> str | None:
    """The words up to the end of their clause, `None` if that leaves half a phrase."""
    kept: list[str] = []
    open_between = False
    for position, word in enumerate(words):
        behind = words[position + 1 :]
        bare = word.rstrip(",")
        if bare in _RELATIVE and len(kept) > 3 and kept[-2] in {"a", "an"} and kept[-3] in PREPOSITIONS:
            # "after a meeting that lasted five hours" says nothing without its clause.
            kept = kept[:-3]
            break
        if not kept and bare in _CLAUSE_WORDS | {"and", "or"}:
            # "showed that", "designed and built": the object is behind what the clause ends with.
            return None
        if bare in _CLAUSE_WORDS or (bare in _MAYBE_CLAUSE_WORDS and _has_verb(behind)):
            break
        if bare in {"and", "or"}:
            if not open_between and _has_verb(behind):
                if words[position - 1].endswith(",") or _starts_with_verb(" ".join(behind)):
                    break
                return None
            open_between = False
        open_between = open_between or bare in {"between", "both"}
        is_day = bare.isdigit() and bool(behind) and bool(_YEAR.match(behind[0]))
        kept.append(word if is_day else bare)
        if word != bare and not is_day:
            break
    if kept and (kept[-1] in PREPOSITIONS - {"up", "down", "out", "off"} | _DETERMINERS | _CONJUNCTIONS):
        return None
    return None if open_between else " ".join(kept)


def _find_verb(words: list[str]) -> int:
    """Index of the first word that is the finite verb of the clause that begins with the words, -1 if there is none."""
    for position in range(1, min(len(words), MAX_SUBJECT_WORDS + 1)):
        word = words[position]
        if words[position - 1].endswith(",") or word in _CLAUSE_WORDS:
            return -1
        if is_known_finite(word) and _ends_phrase(words[position - 1]):
            return position
    return -1


def _starts_with_verb(text: str) -> bool:
    words = (word for word in text.split() if not word.endswith("ly") and word not in _SKIPPED_ADVERBS)
    return is_known_finite(next(words, ""))


def _ends_phrase(word: str) -> bool:
    """True if a noun phrase can end with the word, so that a verb can follow it."""
    lower = word.lower()
    return not (
        lower in PREPOSITIONS | _DETERMINERS | _CONJUNCTIONS
        or lower.endswith(("'s", "’s", "ly"))
        or lower in {"not", "to"}
    )


def _has_verb(words: list[str]) -> bool:
    """True if a finite verb stands among the words before the next comma."""
    before = ""
    for word in words:
        bare = word.rstrip(",.")
        if looks_finite(bare) and (not before or _ends_phrase(before) or before in {"he", "she", "it", "they"}):
            return True
        if word.endswith(","):
            return False
        before = bare
    return False


def _has_other_verb(words: list[str]) -> bool:
    """True if a finite verb follows in the same clause, so that the one before may be a participle of the subject."""
    scope: list[str] = []
    for word in words:
        if word.rstrip(",") in _CLAUSE_WORDS | _MAYBE_CLAUSE_WORDS | {"and", "or"}:
            break
        scope.append(word)
        if word.endswith(","):
            break
    return _has_verb(scope)


def _is_subject(words: list[str]) -> bool:
    """True if the words before the verb are one noun phrase."""
    inner = [word.lower() for word in words]
    if any(word.endswith(",") for word in words) or _CLAUSE_WORDS & set(inner):
        return False
    is_counted = len(inner) > 2 and inner[0] in {"about", "around", "over", "under"} and _NUMBER.match(inner[1])
    if (inner[0] in PREPOSITIONS and not is_counted) or inner[0] in {
        "there",
        "then",
        "here",
        "meanwhile",
        "but",
        "and",
        "or",
        "so",
        "yet",
        "not",
        "it",
        "he",
        "she",
        "they",
        "we",
        "i",
        "you",
    }:
        return False
    return not any(looks_finite(word) and _ends_phrase(words[index]) for index, word in enumerate(words[1:]))
