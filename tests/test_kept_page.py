"""The page of one answer and the evidence pack: what they say of the library, and that nothing in them is live."""

import re
from dataclasses import replace
from datetime import UTC, datetime
from html.parser import HTMLParser
from pathlib import Path

import pytest
from fake_backend import FakeBackend, answer, cite, hit, make_article, refusal
from hypothesis import given
from hypothesis import strategies as st
from starlette.testclient import TestClient

from index.errors import LibraryNotFoundError
from index.types import Article, SearchFilter
from rag.types import Answer, Problem, PromptUse, Statement
from ui.conversation_store import ConversationStore
from ui.exchanges import Asked, Exchange
from ui.kept_page import answer_page, evidence_pack, gone_page
from ui.kept_view import file_name, is_web
from ui.texts import LANGUAGES, Texts
from ui.web import create_app

TEXT = "The vote was put off. Nobody said why. It will be held in May, said Ann Lee."
VOTE = make_article(TEXT, "The vote", source="Desk", published="2022-05-27")
RIVER = make_article("The river rose. The bridge was closed.", "The river")
WORDS = ("put off", "Nobody said why.", "held in May")
HOSTILE = "<script>alert(1)</script><img src=x onerror=alert(1)> {{7*7}} \u202e </style> &lt; [1] **b** — \x1b[31m"

pytestmark = [
    pytest.mark.filterwarnings("ignore:'future.no_silent_downcasting' is deprecated"),
    pytest.mark.filterwarnings("ignore:The copy keyword is deprecated"),
]


def whole(*cited, **changes) -> Answer:
    cited = cited or tuple(cite(number, VOTE, words) for number, words in enumerate(WORDS, start=1))
    said = [Statement(f"It was so {one.number}.", (one.number,), "supported") for one in cited]
    return answer("And when?", said, cited, **changes)


def kept(what: Answer | None, **changes) -> Exchange:
    exchange = Exchange("e1", "c1", "And when?", "extractive", SearchFilter(), "2026-11-25T03:52:36.123+00:00")
    return replace(exchange, state="finished", answer=what, **changes)


def library(*articles: Article) -> FakeBackend:
    return FakeBackend(articles, lambda _: whole())


def text_of(page: str) -> str:
    """What a reader sees of the body."""
    body = re.sub(r"(?s)<style>.*?</style>", "", page)
    pieces: list[str] = []
    parser = HTMLParser()
    parser.handle_data = pieces.append  # type: ignore[method-assign]
    inline = {"a", "mark", "span", "strong"}
    parser.handle_starttag = lambda tag, _: None if tag in inline else pieces.append(" ")  # type: ignore[method-assign]
    parser.feed(body)
    return " ".join("".join(pieces).split())


def tags_of(page: str) -> list[tuple[str, list[str]]]:
    found: list[tuple[str, list[str]]] = []
    parser = HTMLParser()
    parser.handle_starttag = lambda tag, attributes: found.append((tag, [name for name, _ in attributes]))  # type: ignore[method-assign]
    parser.feed(page)
    return found


def test_an_answer_stands_with_its_words_their_context_and_how_it_was_made() -> None:
    exchange = kept(whole(standalone_question="When is the vote?"))
    said = text_of(answer_page(exchange, library(VOTE), Texts()))
    for part in (
        "And when?",
        "Understood as: When is the vote?",
        "It was so 1. [1] supported by the cited words",
        "The vote was put off. Nobody said why.",
        "Desk · 27 May 2022 · The vote.txt · characters 13–20",
        "All 3 cited passages are still in the library word for word.",
        "25 November 2026, 03:52 UTC",
        "Answered by extractive",
        "82%",
    ):
        assert part in said
    assert "/articles/" not in said, "no page shows a folder of the server"


def test_what_became_of_the_words_is_said_at_the_top_and_at_each() -> None:
    newer = make_article("Updated. " + TEXT.replace("Nobody said why.", "No reason was given."), "The vote")
    shown = answer_page(
        kept(whole(cite(1, VOTE, "put off"), cite(2, VOTE, "Nobody said why."))), library(newer), Texts()
    )
    assert (
        "The library has changed since: the words of 1 cited passage are no longer in its article; "
        "1 is still there word for word." in text_of(shown)
    )
    assert "the words now stand at characters 22–29" in text_of(shown)
    assert re.findall('href="/#read-([^"]+)"', shown) == [f"{newer.article_id}-22-29"] * 2, "no link to what is gone"
    assert "no longer holds these words" in text_of(shown)

    moved = make_article("Updated. " + TEXT, "The vote")
    said = text_of(answer_page(kept(whole(cite(1, VOTE, "put off"))), library(moved), Texts()))
    assert "still in the library word for word. 1 of them now stands in a newer version" in said
    said = text_of(answer_page(kept(whole()), library(RIVER), Texts()))
    assert "The library has changed since: the articles of 3 cited passages are gone." in said
    assert "The article is no longer in the library." in said


def test_without_a_library_the_answer_is_shown_all_the_same() -> None:
    backend = library(VOTE)

    def fail(citation):
        raise LibraryNotFoundError("There is no library in 'x'.")

    backend.verify = fail  # type: ignore[method-assign]
    said = text_of(answer_page(kept(whole()), backend, Texts()))
    assert "could not be compared with the library: There is no library in 'x'." in said
    assert "Nobody said why." in said


def test_a_refusal_shows_what_came_closest_and_claims_nothing_of_the_library() -> None:
    declined = refusal("And when?", "The articles do not say.", [hit(1, VOTE, "held in May")])
    said = text_of(answer_page(kept(declined), library(VOTE), Texts()))
    assert "Not answered The articles do not say. What comes closest The vote · Desk · 27 May 2022 held in May" in said
    assert "word for word" not in said


def test_an_exchange_without_an_answer_says_why() -> None:
    exchange = replace(kept(None), state="broken", text="It was", note="The model is gone.")
    said = text_of(answer_page(exchange, library(VOTE), Texts()))
    assert "It was The model is gone." in said
    assert "Model asked extractive" in said
    assert "still being answered" in text_of(answer_page(replace(kept(None), state="running"), library(), Texts()))


def test_a_weak_statement_says_what_its_words_do_not_bear_out() -> None:
    said = [Statement("Off by 12.", (1,), "partial", (Problem("number", "12"),))]
    page = answer_page(kept(answer("And when?", said, [cite(1, VOTE, "put off")])), library(VOTE), Texts("de"))
    assert "durch die zitierten Worte teilweise belegt: Zahl 12" in text_of(page)


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_language_has_the_whole_page(language: str) -> None:
    exchange = kept(whole(prompt=PromptUse("ab" * 32, 12, 3, 1)), filter=SearchFilter(sources=frozenset({"Desk"})))
    page = answer_page(exchange, library(VOTE), Texts(language))
    assert f'<html lang="{language}">' in page
    assert "kept." not in text_of(page)
    assert "ab" * 32 in page


def hostile_exchange(text: str) -> Exchange:
    article = make_article(f"Before. {text} After.", text.strip() or "x", source=text, published=text)
    words = f"Before. {text}"
    said = [Statement(f"**{text}** — {text}", (1,), "partial", (Problem("words", text),))]
    cited = replace(cite(1, article, words), url=f"javascript:{text}", origin=f"/secret/{text}")
    return kept(
        answer(text, said, [cited], notices=(text,), model=text, standalone_question=f"{text}?"),
        question=text,
        model=text,
        note=text,
        filter=SearchFilter(sources=frozenset({text})),
    )


@given(st.one_of(st.just(HOSTILE), st.text(st.characters(exclude_categories=("Cs",)), min_size=1)))
def test_nothing_that_was_written_becomes_part_of_the_page(text: str) -> None:
    plain, hostile = hostile_exchange("x"), hostile_exchange(text)
    for make in (
        lambda one: answer_page(one, library(VOTE), Texts()),
        lambda one: evidence_pack([one], one.question, library(VOTE), Texts(), datetime(2026, 1, 2, tzinfo=UTC)),
    ):
        allowed = {tag for tag, _ in tags_of(make(plain))} | {"strong", "h1"}
        page = make(hostile)
        assert {tag for tag, _ in tags_of(page)} <= allowed
        assert not [name for _, names in tags_of(page) for name in names if name.startswith("on") or name == "src"]
        assert not re.search(r'href="(?!/|#|https?://)', page)
        assert "\x1b" not in page
        assert "\u202e" not in page


def test_the_pack_holds_every_article_with_the_cited_words_marked_and_asks_for_nothing() -> None:
    exchanges = [
        kept(whole(cite(1, VOTE, "put off"), cite(2, VOTE, "off. Nobody"), cite(3, RIVER, "The bridge was closed."))),
        kept(whole(cite(1, VOTE, "held in May"), prompt=PromptUse("cd" * 32, 12, 3, 1))),
    ]
    pack = evidence_pack(
        exchanges, "The vote and the river", library(VOTE), Texts(), datetime(2026, 12, 1, 9, 5, tzinfo=UTC)
    )
    said = text_of(pack)
    assert VOTE.sha256 in said
    assert "cd" * 32 in said
    assert "1 December 2026, 09:05 UTC" in said
    (text,) = re.findall(r'(?s)<div class="text" dir="auto">(.*?)</div>', pack)
    assert re.sub("</?mark>", "", text) == TEXT
    assert re.findall("<mark>(.*?)</mark>", text) == ["put off", ". Nobody", "held in May"]
    assert "The library no longer holds this text" in said, "of the river only the cited words are left"
    assert "The bridge was closed." in said
    assert not re.search(r"<(script|link|img|iframe)|@import|url\(", pack)
    assert all(place in pack for place in re.findall(r'href="#([\w-]+)"', pack))
    assert 'href="/' not in pack


def test_the_page_is_served_with_a_policy_that_lets_nothing_run(tmp_path: Path) -> None:
    store = ConversationStore.open(tmp_path)
    exchange = store.begin("ann", "", Asked("When?", "extractive"))
    store.save(replace(exchange, state="finished", answer=whole()))
    store.close()
    app = create_app(Path("unused"), backend=library(VOTE), state=tmp_path, allowed_hosts=())
    with TestClient(app) as client:
        reply = client.get(f"/a/{exchange.exchange_id}", headers={"accept-language": "fr-CH, en"})
        assert reply.status_code == 200
        assert reply.headers["content-security-policy"].startswith("default-src 'none'; style-src 'unsafe-inline';")
        assert "script" not in reply.headers["content-security-policy"]
        assert '<html lang="fr">' in reply.text
        missing = client.get("/a/0123456789")
        assert missing.status_code == 404
        assert "It was deleted" in missing.text
        assert missing.text == gone_page(Texts())
        assert "script-src" in client.get("/healthz").headers["content-security-policy"]


@pytest.mark.parametrize(
    ("origin", "name"),
    [
        ("/home/ann/secret/vote.txt", "vote.txt"),
        ("C:\\Users\\ann\\vote.txt", "vote.txt"),
        ("/data/all.jsonl#7", "all.jsonl#7"),
        ("https://desk.example/a/b?c", "https://desk.example/a/b?c"),
        ("vote.txt", "vote.txt"),
    ],
)
def test_a_place_on_disk_is_told_by_its_file_name_only(origin: str, name: str) -> None:
    assert file_name(origin) == name


@pytest.mark.parametrize("address", [None, "", "javascript:alert(1)", "https:", "//x.example", "ftp://x", "http://[x"])
def test_only_web_addresses_are_links(address) -> None:
    assert not is_web(address)
