"""Templates of prompts: one's own in place of the package's, checked before a model is asked."""

import hashlib
from pathlib import Path

import pytest

from index.errors import InputError
from index.ingest import index_paths
from index.library import Library
from index.types import Article, Hit, Metadata, Passage, normalise_text
from rag.answering import AnswerSettings, ask
from rag.prompts import build_prompt
from rag.rewriting import rewrite
from rag.templates import (
    ANSWER_TEMPLATES,
    DECLINE_SENTENCE,
    KINDS,
    MAX_TEMPLATE_BYTES,
    PASSAGE,
    REWRITE,
    REWRITE_USER,
    SYSTEM,
    USER,
    Templates,
    default_templates,
    load_templates,
)
from rag.types import Question, Turn
from tests.fakes import BagOfWordsEncoder, ScriptedGenerator


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of one's own templates, named in the environment."""
    monkeypatch.setenv("DATELINE_PROMPTS", str(tmp_path / "prompts"))
    (tmp_path / "prompts").mkdir()
    return tmp_path / "prompts"


def hit_of(text: str, **metadata: str) -> tuple[list[Hit], dict[str, Article]]:
    article = Article.from_text(normalise_text(text), Metadata(**metadata), "/news/1.txt")
    passage = Passage("p", article.article_id, 0, len(article.text), article.text, "")
    return [Hit(passage, 1, 1.0)], {article.article_id: article}


def test_the_packages_own_are_in_force_and_valid(monkeypatch, tmp_path):
    monkeypatch.delenv("DATELINE_PROMPTS", raising=False)
    plain = load_templates()
    assert plain == Templates(default_templates(), {})
    for name, text in plain.texts.items():
        (tmp_path / name).write_text(text, "utf-8")
    copied = load_templates(tmp_path)
    assert copied.texts == plain.texts
    assert copied.digest == plain.digest
    assert set(copied.replaced) == set(KINDS)


def test_a_file_replaces_its_template_and_no_other(folder):
    (folder / USER).write_bytes("\ufeff$passages\r\nAsked: $question\r\n".encode())
    (folder / "notes.txt").write_text("nobody reads this", "utf-8")
    templates = load_templates()
    assert templates.texts == {**default_templates(), USER: "$passages\nAsked: $question"}
    assert templates.replaced == {USER: folder / USER}
    hits, articles = hit_of("The lamp was lit.")
    prompt = build_prompt("When?", hits, articles, token_budget=10_000)
    assert prompt.messages[1].content.endswith("</passage>\nAsked: When?")
    assert prompt.use.template_sha256 == templates.digest


def test_the_digest_covers_what_answers_are_written_with_and_nothing_else():
    plain = Templates(default_templates(), {})
    expected = hashlib.sha256()
    for name in ANSWER_TEMPLATES:
        text = default_templates()[name].replace("$decline_sentence", DECLINE_SENTENCE)
        expected.update(f"{name} {len(text.encode())}\n{text}".encode())
    assert plain.digest == expected.hexdigest()
    for name in KINDS:
        changed = Templates({**plain.texts, name: plain.texts[name] + " More."}, {})
        assert (changed.digest != plain.digest) == (name in ANSWER_TEMPLATES)


def test_what_looks_like_a_placeholder_in_an_article_stays_as_it_is(folder):
    (folder / PASSAGE).write_text("$number: $text\nof $source, $published\nat 5 $$", "utf-8")
    text = "It cost $question and ${passages}, {0} or $$9. $decline_sentence"
    hits, articles = hit_of(text, source="$text")
    user = build_prompt("$passages {}?", hits, articles, token_budget=10_000).messages[1].content
    assert user.startswith(f"1: {text}\nof $text, \nat 5 $\n\nQuestion: $passages {{}}?\n")
    hits, articles = hit_of(text)
    assert (
        build_prompt("?", hits, articles, token_budget=10_000).messages[1].content.startswith(f"1: {text}\nat 5 $\n")
    ), "the line without source and date is left out"


@pytest.mark.parametrize(
    ("name", "content", "parts"),
    [
        (SYSTEM, b"Answer.", ["$decline_sentence", "lacks"]),
        (USER, b"$question", ["$passages", "lacks"]),
        (USER, b"$passages", ["$question", "lacks"]),
        (USER, b"$passages $question $title", ["$title", "$decline_sentence, $passages, $question"]),
        (PASSAGE, b"$number", ["$text", "lacks"]),
        (REWRITE, b"Rewrite $question", ["$question", "none"]),
        (REWRITE_USER, b"$question", ["$conversation", "lacks"]),
        (USER, b"$passages $question for 5 $", ["$$"]),
        (USER, b"", ["empty"]),
        (USER, b"$passages $question \xff", ["not UTF-8"]),
        (USER, b"$passages $question" + b" " * MAX_TEMPLATE_BYTES, ["40,000 bytes"]),
        ("prompt_sistem.txt", b"$decline_sentence", ["prompt_system.txt"]),
    ],
)
def test_a_template_that_cannot_be_used_is_named_with_what_to_do(folder, name, content, parts):
    (folder / name).write_bytes(content)
    with pytest.raises(InputError) as caught:
        load_templates()
    for part in (str(folder / name), *parts):
        assert part in str(caught.value)


def test_a_template_or_folder_that_cannot_be_read(folder, monkeypatch):
    (folder / USER).mkdir()
    with pytest.raises(InputError, match=r"prompt_user\.txt.*cannot be read"):
        load_templates()
    monkeypatch.setenv("DATELINE_PROMPTS", str(folder / "none"))
    with pytest.raises(InputError, match="Set DATELINE_PROMPTS"):
        load_templates()


def test_wrong_templates_stop_a_model_before_it_is_asked_and_nobody_else(folder, tmp_path):
    (tmp_path / "lamp.txt").write_text("The lamp was lit in 1923 by Ann Lee.", "utf-8")
    (folder / SYSTEM).write_text("Answer.", "utf-8")
    generator = ScriptedGenerator("In 1923 [1].")
    question = Question("When was the lamp lit?", (Turn("Who lit the lamp?", "Ann Lee."),))
    with Library.open_for_writing(tmp_path / "library", BagOfWordsEncoder()) as library:
        index_paths(library, [str(tmp_path / "lamp.txt")])
        assert not ask(question, library).refused
        with pytest.raises(InputError, match=r"prompt_system\.txt"):
            ask(question, library, generator=generator)
        assert generator.messages == []
        (folder / SYSTEM).write_text("Or say: $decline_sentence", "utf-8")
        answer = ask(question, library, generator=generator)
    assert generator.messages[-1][0].content == f"Or say: {DECLINE_SENTENCE}"
    assert answer.prompt is not None
    assert answer.prompt.template_sha256 == load_templates().digest


def test_follow_ups_are_rewritten_with_ones_own_templates(folder):
    (folder / REWRITE).write_text("Put names in.", "utf-8")
    (folder / REWRITE_USER).write_text("$conversation | $question", "utf-8")
    generator = ScriptedGenerator("?")
    rewrite("Who paid for it?", (Turn("Who built the silo?", "It cost $question. [1]"),), generator)
    system, user = generator.messages[0]
    assert system.content == "Put names in."
    assert user.content.endswith("Answer: It cost $question.\n</turn> | Who paid for it?")


@pytest.mark.parametrize(
    ("variable", "field", "default"),
    [("DATELINE_PROMPT_TOKENS", "prompt_tokens", 16_000), ("DATELINE_ANSWER_TOKENS", "answer_tokens", 700)],
)
def test_tokens_from_the_environment(monkeypatch, variable, field, default):
    monkeypatch.delenv(variable, raising=False)
    assert getattr(AnswerSettings(), field) == default
    monkeypatch.setenv(variable, " 3000 ")
    assert getattr(AnswerSettings(), field) == 3000
    assert getattr(AnswerSettings(**{field: 77}), field) == 77
    for wrong in ("many", "0", "-5", "3.5", "9" * 30, "٣٠٠٠"):
        monkeypatch.setenv(variable, wrong)
        with pytest.raises(InputError, match=f"{variable} is .* whole number"):
            AnswerSettings()
