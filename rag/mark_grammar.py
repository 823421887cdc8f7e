"""How models write citation marks and refer to passages in prose, as regular expressions.

Every repetition is bounded, so that no text, however strange, takes more than linear time.
"""

import re

from index.patterns import late

_NUMBER = r"(?:no\.?\s{0,2}|\#)?\d{1,3}"
_BETWEEN = r"\s{0,3}(?:[,;]\s{0,3}(?:and|&)|[,;&]|and|[-‐‑–—])\s{0,3}"
_NUMBERS = r"{number}(?:{between}(?:{word}\s{{0,3}})?{number}){{0,60}}"
_BRACKET_WORD = (
    r"(?:sources?|passages?|documents?|docs?|articles?|refs?\.?|references?|excerpts?|citations?|[sp](?=\d))"
)
_PARENTHESIS_WORD = r"(?:sources?|passages?|refs?\.?|references?|excerpts?|citations?)"
_OPEN = r"(?:\\?[\[【［〔〖⟦]|&\#0{0,3}91;|&\#x0{0,3}5b;|&l(?:sqb|brack);)"
_CLOSE = r"(?:\\?[\]】］〕〗⟧]|&\#0{0,3}93;|&\#x0{0,3}5d;|&r(?:sqb|brack);)"
_LINK = (
    r"(?:\((?:https?:|\#|\.{0,2}/|www\.|javascript:|data:|mailto:)(?:[^()\s]|\([^()\s]{0,100}\)){0,500}"
    r'(?:\s{1,3}"[^"\n]{0,200}")?\))?'
)
_SEE = r"(?:(?:see|cf\.?|from|in|per)\s{1,3}(?:also\s{1,3})?(?:the\s{1,3})?)?"
_RAISED = "[⁰¹²³⁴-⁹]{1,3}"


def _numbers(word: str) -> str:
    return _NUMBERS.format(number=_NUMBER, between=_BETWEEN, word=word)


def _inside(group: str) -> str:
    """What stands between brackets, its numbers in a group of that name."""
    name = f"?P<{group}>" if group else "?:"
    return (
        rf"\s{{0,3}}\^?\s{{0,3}}(?:{_BRACKET_WORD}\s{{0,3}}[:#]?\s{{0,3}})?({name}{_numbers(_BRACKET_WORD)})"
        r"(?:†[^\[\]【】\n]{0,80})?\s{0,3}"
    )


_BRACKETED = _OPEN + _inside("") + _CLOSE

_MARK_PATTERN = (
    rf"{_OPEN}\s{{0,2}}{_OPEN}{_inside('double')}{_CLOSE}{_LINK}\s{{0,2}}{_CLOSE}{_LINK}"
    rf"|{_OPEN}{_inside('brackets')}{_CLOSE}{_LINK}"
    rf"|[(（]\s{{0,3}}{_SEE}(?:{_PARENTHESIS_WORD}\s{{0,3}}:?\s{{0,3}})?"
    rf"(?P<wrapped>{_BRACKETED}(?:(?:{_BETWEEN}|\s{{0,3}}){_BRACKETED}){{0,9}})\s{{0,3}}[)）]"
    rf"|[(（]\s{{0,3}}{_SEE}{_PARENTHESIS_WORD}\s{{0,3}}:?\s{{0,3}}"
    rf"(?P<parentheses>{_numbers(_PARENTHESIS_WORD)})\s{{0,3}}[)）]"
    rf"|(?<![$\\{{}}])\{{\s{{0,2}}(?P<braces>{_numbers(_BRACKET_WORD)})\s{{0,2}}\}}(?!\}})"
    r"|<sup(?:\s[^<>\n]{0,80})?>\s{0,3}(?:<a\s[^<>\n]{0,200}>)?\s{0,3}\[?\s{0,2}"
    rf"(?P<sup>{_numbers(_BRACKET_WORD)})\s{{0,2}}\]?\s{{0,3}}(?:</a>)?\s{{0,3}}</sup>"
    rf"|(?<![⁰¹²³⁴-⁹⁺⁻])⁽?(?P<raised>{_RAISED}(?:[,˒]{_RAISED}){{0,9}})⁾?(?![⁰¹²³⁴-⁹⁺⁻])"
)

MARK = late(_MARK_PATTERN, re.IGNORECASE)
"""A group of citation marks. Numbers have at most three digits, so a year in brackets is none. A match is a mark only
if `raises_no_unit` says so."""

_PROSE_WORD = r"(?:passage|source|excerpt|document|article)"
_PROSE_NUMBER = r"(?:no\.\s?|number\s|\#)?\d{1,3}(?!\d|[.,]\d|\w|%)"


def _listed(word: str) -> str:
    """`passage 2`, `passage 2 and passage 3`, `passages 1, 2 and 3`; the 26 of "passage 1, 26 people" is not listed."""
    return (
        rf"(?:{word}s\s{{1,2}}{_PROSE_NUMBER}(?:,\s{_PROSE_NUMBER}){{0,9}}"
        rf"(?:(?:,?\sand\s|\s?&\s?|\s?[-–]\s?)(?:{word}s?\s)?{_PROSE_NUMBER})?"
        rf"|{word}\s{{1,2}}{_PROSE_NUMBER}(?:(?:,\s|,?\sand\s|\s&\s){word}\s{_PROSE_NUMBER}){{0,9}})"
    )


def _reference(group: str) -> str:
    """Passages named in prose, as `passage 2`, or by a mark that is part of the sentence."""
    return (
        rf"(?P<{group}>(?:the\s)?(?:{_listed(_PROSE_WORD)}|{_PROSE_WORD}s?\s{{1,2}}{_BRACKETED})"
        rf"|(?>{_BRACKETED}(?:(?:{_BETWEEN}|\s?){_BRACKETED}){{0,9}}))"
    )


_IN = (
    r"(?:stated|noted|reported|described|mentioned|said|shown|explained|indicated|seen|written|given|quoted|cited)"
    r"\s(?:in|by)"
)
_VERB = r"(?:says?|states?|reports?|notes?|mentions?|indicates?|explains?|confirms?|adds?|shows?|reveals?)"

_INLINE = rf"(?P<inline>\b(?:the\s)?(?P<e>(?=(?P<noun>passage|source|excerpt)){_listed('(?:passage|source|excerpt)')}))"

INLINE = late(_INLINE, re.IGNORECASE)
"""Passages named in the middle of a sentence."""

PHRASE = late(
    rf"(?P<lead>\b(?:according\sto|as\s{_IN}|as\sper|based\son|(?P<weak>in|from|per))\s{_reference('a')}\s{{0,2}},\s{{0,3}}"
    rf"|(?P<label>{_reference('f')}\s{{0,2}}:\s{{1,3}})"
    rf"|\bas\s{_reference('b')}\s{_VERB},\s{{0,3}}"
    rf"|(?<!\w)(?P<subject>(?:both\s)?{_reference('c')}\s(?:(?:also|both|all|further)\s)?{_VERB}(?:\sthat\s{{1,3}}|:\s{{1,3}})))"
    rf"|(?P<tail>(?:\s{{0,3}},)?\s{{1,3}}(?:according\sto|as\s{_IN}|as\sper)\s{_reference('d')}"
    r"(?=\s{0,3}(?:[.;!?)]|\n|$)))"
    rf"|{_INLINE}"
    r"|(?P<mark>[\[【［〔〖⟦\\&(（{<⁽⁰¹²³⁴-⁹])",
    re.IGNORECASE,
)
"""A reference in prose, or the first character of what may be a mark."""

REFERENCE_GROUPS = ("a", "b", "c", "d", "e", "f")
"""The groups of `PHRASE` that hold the passages named."""

ENGLISH = late(r"\b(?:the|of|and|is|was|were|to|that|in)\b", re.IGNORECASE)
"""Words that a text in English has; in another language, "the" is not put before "passage"."""

NAME_BEFORE = late(r"\b(?!(?:In|The|See|From|Per|As|And|But|To|Of|Both|While|Only)\b)[^\W\d_a-z]\w*\s$")
"""A capitalised word before "Passage 2", with which that is a name, as in "Northwest Passage"."""

_UNITS = late(
    r"(?:inch(?:es)?|feet|foot|yards?|miles?|acres?|sec|hours?|days?|years?|kpc|mpc|\w{0,6}met(?:er|re)s?|\w{0,6}grams?)",
    re.IGNORECASE,
)
_BEFORE_RAISED = late(r"(?:[^\W\d_]{3}\)?|[.,;:!?…”’\"'»%]|\b(?:1[5-9]|20)\d\d)[ \t]?$")
_WORD_BEFORE = late(r"\w+$")


def raises_no_unit(text: str, match: re.Match[str]) -> bool:
    """False if a match of `MARK` is an exponent or part of a formula, as in `km²`, `10²`, `²³⁵U`; else true."""
    if match["raised"] is None and match["sup"] is None:
        return True
    if text[match.end() : match.end() + 1].isalnum():
        return False
    before = text[max(0, match.start() - 24) : match.start()]
    if not before.strip(" \t") or before.endswith("\n"):
        return "\n" in before or match.start() == len(before)
    word = _WORD_BEFORE.search(before)
    return _BEFORE_RAISED.search(before) is not None and not (word and _UNITS.fullmatch(word[0]))
