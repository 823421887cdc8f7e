"""The prompt that an answer is asked with: rules, numbered passages, the question, within a budget of tokens."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from index.errors import ModelError
from index.types import Article, Hit
from rag.marks import disarm_marks, readable
from rag.templates import DECLINE_SENTENCE, PASSAGE, SYSTEM, USER, Templates, load_templates
from rag.tokens import count_tokens
from rag.types import PromptUse

__all__ = ["DECLINE_SENTENCE", "Message", "Prompt", "as_data", "build_prompt"]

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
    dropped for want of room, the size in tokens, and the digest of the templates."""

    messages: tuple[Message, ...]
    hits: tuple[Hit, ...]
    dropped: int
    tokens: int
    template_sha256: str

    @property
    def use(self) -> PromptUse:
        """What the answer says of the prompt."""
        return PromptUse(self.template_sha256, self.tokens, len(self.hits), self.dropped)


def build_prompt(
    question: str,
    hits: Sequence[Hit],
    articles: Mapping[str, Article],
    *,
    token_budget: int,
    templates: Templates | None = None,
) -> Prompt:
    """The prompt for a question that stands alone, from as many of the best hits as fit into the budget.

    `token_budget` bounds the whole prompt, by `rag.tokens.count_tokens`; the reply is not part of it. Passages are
    numbered from 1 by rank and dropped from the weakest on. `articles` holds the hits' articles by `article_id`.
    Without `templates`, those in force are loaded. Raises `ModelError` if not even the best passage fits, `InputError`
    if a template cannot be used.
    """
    templates = load_templates() if templates is None else templates
    ranked = sorted(hits, key=lambda hit: hit.rank)
    blocks = [
        _block(number, hit, articles[hit.passage.article_id], templates) for number, hit in enumerate(ranked, start=1)
    ]
    size = 0
    for kept in range(len(ranked), 0, -1):
        messages = _messages(question, blocks[:kept], templates)
        size = sum(count_tokens(message.content) + MESSAGE_OVERHEAD_TOKENS for message in messages)
        if size <= token_budget:
            return Prompt(messages, tuple(ranked[:kept]), len(ranked) - kept, size, templates.digest)
    raise ModelError(
        f"The prompt with a single passage takes {size} tokens, more than the {token_budget} that it may have; "
        "ask a shorter question or allow more tokens (DATELINE_PROMPT_TOKENS)."
        if ranked
        else "There is no passage to build a prompt from."
    )


def _messages(question: str, blocks: Sequence[str], templates: Templates) -> tuple[Message, ...]:
    decline = {"decline_sentence": DECLINE_SENTENCE}
    passages = "\n\n".join(blocks)
    return (
        Message("system", templates.fill(SYSTEM, **decline)),
        Message("user", templates.fill(USER, passages=passages, question=as_data(question), **decline)),
    )


def _block(number: int, hit: Hit, article: Article, templates: Templates) -> str:
    """A passage between its fence. Each field is one line, so that no article can begin a line of the prompt."""
    fields = {"title": article.title, "source": article.source, "published": article.published}
    shown = {name: as_data(value or "")[:MAX_FIELD_CHARACTERS] for name, value in fields.items()}
    text = as_data(article.text[hit.passage.start : hit.passage.end])
    return templates.fill_lines(PASSAGE, number=str(number), text=text, **shown)


def as_data(text: str) -> str:
    """Article text as it may stand in a prompt: one line that holds no fence, role marker or citation mark.

    Angle brackets, of which fences and most chat templates' tokens are made, become single quotation marks of that
    shape; control words such as `[INST]` and marks such as `[1]` get parentheses; what a reader does not see goes.
    The same holds of full-width forms, which some tokenizers take for the plain ones (Unicode NFKC).
    """
    line = " ".join(readable(text).split()).translate(_OUTSIDE_MARKUP)
    return _CONTROL_WORD.sub(r"(\1)", disarm_marks(line))
