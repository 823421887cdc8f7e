"""The prompt that an answer is asked with: rules, numbered passages, the question, within a budget of tokens."""

import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import resources
from string import Template
from typing import Literal

from index.errors import ModelError
from index.types import Article, Hit
from rag.marks import disarm_marks, readable
from rag.tokens import count_tokens
from rag.types import PromptUse

DECLINE_SENTENCE = "The articles do not hold the answer to this question."
"""What the model is told to reply if the passages do not hold the answer."""

MESSAGE_OVERHEAD_TOKENS = 12
"""Tokens that a chat template adds to each message: role, separators, and once the beginning of the reply. OpenAI's
takes 3 and 3, Llama 3's 5 and 4, ChatML's 5 and 3; this is above all of them."""

MAX_FIELD_CHARACTERS = 300
"""Most characters of a title, source or date that go into the prompt."""

_OUTSIDE_MARKUP = str.maketrans("<>＜＞﹤﹥", "‹›‹›‹›")
_CONTROL_WORD = re.compile(r"[\[［](/?[a-z]?[A-Z][A-Z_]*)[\]］]")


@dataclass(frozen=True, slots=True)
class Message:
    """One message of a chat."""

    role: Literal["system", "user", "assistant"]
    content: str


@dataclass(frozen=True, slots=True)
class Prompt:
    """The messages, the hits whose passages they hold in the order of their numbers (from 1), how many hits were
    dropped for want of room, and the size in tokens."""

    messages: tuple[Message, ...]
    hits: tuple[Hit, ...]
    dropped: int
    tokens: int

    @property
    def use(self) -> PromptUse:
        """What the answer says of the prompt."""
        return PromptUse(template_digest(), self.tokens, len(self.hits), self.dropped)


def build_prompt(question: str, hits: Sequence[Hit], articles: Mapping[str, Article], *, token_budget: int) -> Prompt:
    """The prompt for a question that stands alone, from as many of the best hits as fit into the budget.

    `token_budget` bounds the whole prompt, by `rag.tokens.count_tokens`; the reply is not part of it. Passages are
    numbered from 1 by rank and dropped from the weakest on. `articles` holds the hits' articles by `article_id`.
    Raises `ModelError` if not even the best passage fits.
    """
    ranked = sorted(hits, key=lambda hit: hit.rank)
    blocks = [_block(number, hit, articles[hit.passage.article_id]) for number, hit in enumerate(ranked, start=1)]
    size = 0
    for kept in range(len(ranked), 0, -1):
        messages = _messages(question, blocks[:kept])
        size = sum(count_tokens(message.content) + MESSAGE_OVERHEAD_TOKENS for message in messages)
        if size <= token_budget:
            return Prompt(messages, tuple(ranked[:kept]), len(ranked) - kept, size)
    raise ModelError(
        f"The prompt with a single passage takes {size} tokens, more than the {token_budget} that it may have; "
        "ask a shorter question or allow more tokens."
        if ranked
        else "There is no passage to build a prompt from."
    )


def _messages(question: str, blocks: Sequence[str]) -> tuple[Message, ...]:
    return (
        Message("system", _system_text()),
        Message(
            "user",
            "\n\n".join(blocks) + f"\n\nQuestion: {as_data(question)}\n\n"
            "Answer from the passages only, with the numbers of the passages in square brackets after each sentence.",
        ),
    )


def _block(number: int, hit: Hit, article: Article) -> str:
    """A passage between its fence. Each field is one line, so that no article can begin a line of the prompt."""
    fields = {
        "Title": article.title,
        "Source": article.source,
        "Published": article.published,
    }
    lines = [f"{name}: {as_data(value)[:MAX_FIELD_CHARACTERS]}" for name, value in fields.items() if value]
    text = article.text[hit.passage.start : hit.passage.end]
    return "\n".join([f'<passage number="{number}">', *lines, f"Text: {as_data(text)}", "</passage>"])


def as_data(text: str) -> str:
    """Article text as it may stand in a prompt: one line that holds no fence, role marker or citation mark.

    Angle brackets, of which fences and most chat templates' tokens are made, become single quotation marks of that
    shape; control words such as `[INST]` and marks such as `[1]` get parentheses; what a reader does not see goes.
    The same holds of full-width forms, which some tokenizers take for the plain ones (Unicode NFKC).
    """
    line = " ".join(readable(text).split()).translate(_OUTSIDE_MARKUP)
    return _CONTROL_WORD.sub(r"(\1)", disarm_marks(line))


def template_digest() -> str:
    """SHA-256 of the prompt template, in hexadecimal."""
    return hashlib.sha256(_system_text().encode()).hexdigest()


@cache
def _system_text() -> str:
    template = resources.files("rag").joinpath("prompt_system.txt").read_text(encoding="utf-8")
    return Template(template).substitute(decline_sentence=DECLINE_SENTENCE).strip()
