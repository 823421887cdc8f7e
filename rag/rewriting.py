"""A follow-up rewritten by a language model, where the rules see that it refers back; checked before it is used."""

import logging
import re
import threading
from collections.abc import Sequence
from contextlib import closing

from index.errors import ModelError
from index.sentences import split_sentences
from rag.analysis import DATE, NUMBER, STOP_WORDS, analyse_question
from rag.followups import MAX_ANSWER_CHARACTERS, MAX_TURNS, Standalone, make_standalone
from rag.generators import Generator, reply
from rag.marks import take_out_marks
from rag.names import unify
from rag.people import ROLE_WORDS, people_in
from rag.prompts import Message, as_data
from rag.templates import REWRITE, REWRITE_USER, Templates, load_templates
from rag.types import MAX_QUESTION_CHARACTERS, Turn

LOG = logging.getLogger("dateline")

REWRITE_TOKENS = 80
"""Most tokens of the model's reply: a question of some 60 words, twice the longest that the question sets hold."""

REPLY_CHARACTERS = 2_000
"""Characters after which a reply is read no further: five times what `REWRITE_TOKENS` tokens of English take."""

TURNS_SHOWN = 3
"""Last turns that the model is shown; further back is seldom meant, and a small model loses the thread."""

SHOWN_CHARACTERS = 600
"""Of each question and answer, the characters that the model is shown: the two or three statements it begins with."""

ADDED_CHARACTERS = 300
"""Characters that the rewritten question may have more than the question: two names and a clause take a third."""

MAX_OWN_TERMS = 2
"""Content terms of the rewritten question that stand neither in the question nor in the conversation: "talks" for
"discussed" is one. More of them, and the model asks for something else."""

_LABEL = re.compile(
    r"^[\s*#>_-]*(?:(?:the )?(?:rewritten|stand-?alone|last)?\s*question|q|rewritten)[\s*_]*[:：]\s*", re.I
)
_AROUND = " \t*_`\"'“”‘’«»"
_QUESTION_MARK = re.compile(r"[?？؟]")
_SPEAKS_ITSELF = re.compile(r"\b(?:(?-i:I)|(?-i:I)['’]\w+|you|your|sorry|please|clarify)\b", re.I)
_DIGITS = re.compile(r"\d+")
_STANDS_FOR = re.compile(
    rf"\b(?:the|this|that|these|those|such|his|her|their) (?:other |same |two |three )?{ROLE_WORDS}s?\b|"
    r"\b(?:this|that|these|those|such|the (?:two|three|same|other|former|latter)) [\w-]+|"
    r"\b(?:ones?|else|instead|again|too|next|then|afterwards?|more)\b",
    re.I,
)
"""Words that a rewritten question replaces: "the minister", "that vote", "the two countries", "the latest one"."""


def rewrite(
    question: str,
    history: Sequence[Turn],
    generator: Generator,
    *,
    templates: Templates | None = None,
    stop: threading.Event | None = None,
) -> Standalone:
    """The question so that it stands alone, in the model's words where they are safe, else by `make_standalone`.

    A question that the rules leave as it is does not go to the model. What the model writes counts only if it is one
    question that no longer refers back, keeps the names, numbers and terms of the question, takes something from the
    conversation and adds no name or number of its own. A model that fails costs nothing but its time, and so does one
    that is stopped. Without `templates`, those in force are loaded.
    """
    by_rules = make_standalone(question, history)
    if not by_rules.changed:
        return by_rules
    try:
        messages = _messages(question, history, load_templates() if templates is None else templates)
        written = _written(generator, messages, stop)
    except ModelError as error:
        LOG.info("%s The follow-up is completed by rules instead.", error)
        return by_rules
    rewritten = clean_reply(written)
    objection = objection_to(rewritten, question, history)
    if objection is not None:
        LOG.info("%s wrote a follow-up anew in a way that %s; it is completed by rules.", generator.name, objection)
        return by_rules
    return Standalone(rewritten, True, rewritten)


def clean_reply(written: str) -> str:
    """The first line of a reply without a label such as "Question:", quotation marks and citation marks.

    A line that only announces what comes, and so ends with a colon, is passed over.
    """
    for line in take_out_marks(written, 0).plain.splitlines():
        text = as_data(_LABEL.sub("", line)).strip(_AROUND)
        if text and not text.endswith((":", "：")):
            return text
    return ""


def objection_to(rewritten: str, question: str, history: Sequence[Turn]) -> str | None:
    """Why a rewritten question may not be used, as the end of a sentence; `None` if it may."""
    said = [question, *(text for turn in _seen(history) for text in (turn.question, turn.answer))]
    own, new = analyse_question(question), analyse_question(rewritten)
    known = {term for text in said for term in unify(text)}
    numbers = {number for text in said for number in _numbers(text)}
    conversation = " ".join(" ".join(said).lower().split())
    added = set(new.terms) - set(own.terms)
    if len(_QUESTION_MARK.findall(rewritten)) != 1 or not _QUESTION_MARK.match(rewritten[-1]):
        return "is not one question"
    if len(split_sentences(rewritten)) > max(1, len(split_sentences(question))):
        return "is more than a question"
    if len(rewritten) > len(question) + ADDED_CHARACTERS:
        return "is too long"
    if {word.lower() for word in _SPEAKS_ITSELF.findall(rewritten)} - set(question.lower().split()):
        return "asks the person something"
    if not _kept(question) <= set(new.terms):
        return "drops a part of it"
    if not _numbers(rewritten) <= numbers:
        return "adds a number or date of its own"
    if any(term not in known for name in new.names for term in unify(name) if term not in STOP_WORDS):
        return "adds a name of its own"
    if any(person.lower() not in conversation for person in people_in(rewritten)):
        return "adds a person of its own"
    if len(added - known) > MAX_OWN_TERMS:
        return "asks for something else"
    if not added & known:
        return "takes nothing from the conversation"
    if make_standalone(rewritten, history).changed:
        return "still refers back"
    return None


def _kept(question: str) -> set[str]:
    """The content terms of a question that a rewritten one must have."""
    return set(analyse_question(_STANDS_FOR.sub(" ", question)).terms)


def _numbers(text: str) -> set[str]:
    """Numbers in digits and words, and dates or parts of them, in lower case."""
    in_words = (match.group().lower() for pattern in (NUMBER, DATE) for match in pattern.finditer(text))
    return {*_DIGITS.findall(text), *(found for found in in_words if not _DIGITS.search(found))}


def _seen(history: Sequence[Turn]) -> list[Turn]:
    """The turns that the rules look at, as far as they do."""
    return [
        Turn(turn.question[:MAX_QUESTION_CHARACTERS], turn.answer[:MAX_ANSWER_CHARACTERS])
        for turn in history[-MAX_TURNS:]
    ]


def _written(generator: Generator, messages: Sequence[Message], stop: threading.Event | None) -> str:
    text = ""
    with closing(reply(generator, messages, max_tokens=REWRITE_TOKENS, stop=stop)) as pieces:
        for piece in pieces:
            text += piece
            if len(text) > REPLY_CHARACTERS:
                break
    return text


def _messages(question: str, history: Sequence[Turn], templates: Templates) -> tuple[Message, ...]:
    turns = [
        f"<turn>\nQuestion: {_shown(turn.question)}\nAnswer: {_shown(turn.answer)}\n</turn>"
        for turn in history[-TURNS_SHOWN:]
    ]
    asked = templates.fill(REWRITE_USER, conversation="\n\n".join(turns), question=as_data(question))
    return Message("system", templates.fill(REWRITE)), Message("user", asked)


def _shown(text: str) -> str:
    """What the model sees of a text of the conversation: its beginning on one line, without citation marks."""
    return as_data(take_out_marks(text[: 2 * SHOWN_CHARACTERS], 0).plain)[:SHOWN_CHARACTERS]
