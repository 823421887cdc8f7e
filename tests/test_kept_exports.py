"""Files to carry away of answers: Markdown in which nothing is live, lines that `dateline verify` takes."""

import json
import re
from dataclasses import replace
from pathlib import Path

import pytest
from fake_backend import FakeBackend, answer, cite, hit, make_article, refusal
from fastapi import FastAPI
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from starlette.testclient import TestClient

from eval.figure_names import visible
from index.errors import InputError
from index.types import SearchFilter
from rag.types import Answer, Statement
from rag.verification import read_cited_lines
from ui.answer_api import create_answer_router
from ui.conversation_store import ConversationStore
from ui.exchanges import Asked, Exchange
from ui.export_markdown import inline, markdown_of, quoted
from ui.exports import FORMATS, export, safe_name
from ui.texts import Texts
from ui.visitors import COOKIE, owner_of

VOTE = make_article(
    "The vote was *put* off.\nNobody said why. 1. It will be held in May.", "The vote", source="Desk", published="2022"
)
ANSWER = answer(
    "When?",
    [Statement("**May** — It will be held in May.", (1,), "verbatim"), Statement("Off.", (2, 1), "partial")],
    [cite(1, VOTE, "held in May"), cite(2, VOTE, "*put* off.\nNobody")],
)
BACKEND = FakeBackend([VOTE], lambda _: ANSWER)
ANN = "a" * 32
HOSTILE = "[x](javascript:alert(1)) ![y](https://evil.example/z) <b>&lt; `c` https://evil.example www.evil.example"
MARKDOWN = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])

some_text = st.one_of(
    st.just(HOSTILE),
    st.text(st.sampled_from("ab1 \n\t*_`[]()<>#|~&$^@:/.-+=!\\\"'>{}")),
    st.text(st.characters(exclude_categories=("Cs",))),
)


def kept(what: Answer | None = ANSWER, question: str = "When?") -> Exchange:
    return Exchange(
        "e1", "c1", question, "extractive", SearchFilter(), "2026-11-25T03:52:36.123+00:00", "finished", answer=what
    )


def test_markdown_has_the_answer_with_footnotes_of_the_exact_words() -> None:
    assert markdown_of([kept()], "When?", BACKEND, Texts()) == (
        "# When?\n\n"
        "**May** — It will be held in May. [^1] *(word for word)* Off. [^2] [^1] "
        "*(partly supported by the cited words)*\n\n"
        "All 2 cited passages are still in the library word for word.\n\n"
        "- Asked: 25 November 2026, 03:52 UTC\n- Answered by: extractive\n- Confidence: 82%\n"
        "- State of the library: 7\n- Identifier: e1\n\n"
        f"[^1]: The vote, Desk, 2022, The vote.txt, characters 55–66, Identifier: {VOTE.article_id}, "
        f"SHA-256 of the text: {VOTE.sha256}\n\n    > held in May\n\n"
        f"[^2]: The vote, Desk, 2022, The vote.txt, characters 13–30, Identifier: {VOTE.article_id}, "
        f"SHA-256 of the text: {VOTE.sha256}\n\n    > \\*put\\* off.\\\n    > Nobody\n"
    )


def test_the_footnotes_of_a_conversation_have_names_of_their_own() -> None:
    declined = refusal("Why?", "The articles do not say.", [hit(1, VOTE, "Nobody said why.")])
    made = markdown_of([kept(), kept(declined, "Why?"), kept(None, "And?")], "The vote", BACKEND, Texts("de"))
    labels = re.findall(r"^\[\^(\S+)\]:", made, re.MULTILINE)
    assert labels == ["1-1", "1-2"]
    assert set(re.findall(r"\[\^(\S+?)\](?!:)", made)) == set(labels)
    assert "The articles do not say.\n\n> Nobody said why.\n>\n> — The vote · Desk · 2022" in made
    assert [line for line in made.splitlines() if line.startswith("#")] == [
        "# The vote",
        "## When?",
        "## Why?",
        "## And?",
    ]


def read_back(markdown: str) -> tuple[set[str], str]:
    """The kinds of what a renderer finds in it, and the words that a reader sees."""
    tokens = MARKDOWN.parse(markdown)
    inner = [child for token in tokens for child in token.children or ()]
    kinds = {token.type for token in (*tokens, *inner)}
    return kinds, "".join(child.content if child.type in ("text", "text_special") else " " for child in inner)


@given(some_text)
def test_a_quotation_is_read_as_it_was_written_and_as_nothing_else(text: str) -> None:
    kinds, words = read_back(quoted(text))
    allowed = {"blockquote_open", "blockquote_close", "paragraph_open", "paragraph_close", "inline", "text"}
    assert kinds <= allowed | {"text_special", "hardbreak"}
    assert words.split() == visible(" ".join(text.split())).split()


@given(some_text)
def test_words_on_a_line_start_nothing(text: str) -> None:
    kinds, words = read_back(inline(text))
    assert kinds <= {"paragraph_open", "paragraph_close", "inline", "text", "text_special"}
    assert not re.search(r"(?<!\\)://|www\.", inline(text), re.IGNORECASE)
    assert words.split() == visible(" ".join(text.split())).split()


@given(some_text.filter(str.strip))
def test_a_whole_document_has_no_link_image_or_html(text: str) -> None:
    article = make_article(f"Before. {text} After.", text, source=text, published=text)
    said = [Statement(f"{text}", (1,), "partial")]
    cited = replace(cite(1, article, f"Before. {text}"), url=text, origin=f"/x/{text}")
    made = markdown_of([kept(answer(text, said, [cited], model=text, notices=(text,)), text)], text, BACKEND, Texts())
    kinds, _ = read_back(made)
    assert not kinds & {
        "link_open",
        "image",
        "html_block",
        "html_inline",
        "code_inline",
        "fence",
        "table_open",
        "s_open",
    }
    assert not MARKDOWN.parse(made, (found := {})) or not found.get("references"), "no footnote reads as an address"


def test_the_lines_are_taken_by_verify(tmp_path: Path) -> None:
    asked = replace(kept(), filter=SearchFilter(sources=frozenset({"Desk"})))
    made = export([asked, kept(None, "And?")], "When?", "json", BACKEND, Texts())
    assert (made.name, made.media_type) == ("dateline-when.jsonl", "application/x-ndjson")
    first, second = [json.loads(line) for line in made.content.splitlines()]
    assert (first["question"], first["model"], first["filter"]["sources"]) == ("When?", "extractive", ["Desk"])
    assert (first["answer"], second["answer"]) == (ANSWER.as_json(), None)
    found = list(read_cited_lines(made.content.splitlines(), "'f'"))
    assert [(one.line, one.answer_id, one.citations) for one in found] == [(1, "e1", ANSWER.citations), (2, "e1", ())]


@pytest.mark.parametrize(
    ("title", "name"),
    [
        ("When is the vote?", "dateline-when-is-the-vote.md"),
        ('a"; filename="x.exe\r\nset-cookie: x', "dateline-a-filename-x-exe-set-cookie-x.md"),
        ("../../etc/passwd", "dateline-etc-passwd.md"),
        ("Où est l’été?", "dateline-ou-est-l-ete.md"),
        ("投票はいつ？", "dateline-answer.md"),
        ("CON", "dateline-con.md"),
    ],
)
def test_a_file_has_a_safe_name_of_the_first_words(title: str, name: str) -> None:
    assert safe_name(title, "md") == name


@given(st.text())
def test_any_name_is_safe(title: str) -> None:
    assert re.fullmatch(r"dateline-[a-z0-9]([a-z0-9-]{0,58}[a-z0-9])?\.md", safe_name(title, "md"))


def test_another_format_is_a_sentence() -> None:
    with pytest.raises(InputError, match="choose one of md, html, json"):
        export([kept()], "When?", "csv", BACKEND, Texts())


def test_an_answer_is_for_whoever_has_its_link_and_a_conversation_for_its_owner() -> None:
    store = ConversationStore.open(None)
    exchange = store.begin(owner_of({COOKIE: ANN}), "", Asked("When?", "extractive"))
    store.save(replace(exchange, state="finished", answer=ANSWER))
    app = FastAPI()
    app.include_router(create_answer_router(store, BACKEND))
    mine = {"cookie": f"{COOKIE}={ANN}"}
    with TestClient(app) as client:
        for kind in FORMATS:
            for address, headers in (
                (f"/api/answers/{exchange.exchange_id}/export?format={kind}", {}),
                (f"/api/conversations/{exchange.conversation_id}/export?format={kind}", mine),
            ):
                reply = client.get(address, headers=headers)
                assert reply.status_code == 200
                ending = "jsonl" if kind == "json" else kind
                assert reply.headers["content-disposition"] == f'attachment; filename="dateline-when.{ending}"'
                assert "held in May" in reply.text
            reply = client.get(f"/api/conversations/{exchange.conversation_id}/export?format={kind}")
            assert (reply.status_code, "held in May" in reply.text) == (404, False)
        assert client.get("/api/answers/0/export?format=md").status_code == 404
        assert client.get(f"/api/answers/{exchange.exchange_id}/export").status_code == 400
    store.close()
