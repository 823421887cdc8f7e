"""The head of the page as it leaves the server."""

import re
from pathlib import Path

import httpx
import pytest
from browser import served
from fake_backend import FakeBackend, make_article, refusal
from lxml import html

from ui.page_html import page_html
from ui.texts import LANGUAGES, Texts
from ui.web import create_app

# Gradio sums up its queue with pandas, in ways that pandas has marked as going away.
pytestmark = [
    pytest.mark.filterwarnings("ignore:'future.no_silent_downcasting' is deprecated"),
    pytest.mark.filterwarnings("ignore:The copy keyword is deprecated"),
]


@pytest.fixture(scope="module")
def address():
    article = make_article("The vote was put off until May.", "The vote")
    backend = FakeBackend([article], lambda question: refusal(question.text, "No.", []))
    with served(create_app(Path("unused"), backend=backend)) as address:
        yield address


def meta(tree, name: str) -> list[str]:
    return tree.xpath(f"//head/meta[@name={name!r}]/@content")


def test_the_page_says_what_it_is(address: str) -> None:
    tree = html.fromstring(httpx.get(address).text)
    assert tree.get("lang") == "en"
    assert [title.text for title in tree.xpath("//head/title")] == ["Dateline"]
    assert meta(tree, "description") == [Texts()("page.description")]
    assert meta(tree, "robots") == ["noindex, nofollow"]
    assert meta(tree, "color-scheme") == ["light dark"]
    assert tree.xpath("//head/link[@rel='icon']/@href") == ["favicon.ico"]
    assert tree.xpath("string(//body/noscript)") == Texts()("page.no_script")


def test_nothing_in_it_is_of_another_house(address: str) -> None:
    page = httpx.get(address).text
    outside = re.sub(r"<script\b.*?</script>", "", page, flags=re.DOTALL)
    assert not re.search(r"og:|twitter:|gradio\.app|githubusercontent|manifest", outside)
    assert "https://" not in outside
    assert "iframeResizer.contentWindow" not in page
    assert 'name="viewport"' in page


@pytest.mark.parametrize(
    ("accepted", "language"), [("de-AT,en;q=0.5", "de"), ("fr", "fr"), ("pt,it", "en"), ("<", "en")]
)
def test_it_is_in_the_language_that_is_asked_for(address: str, accepted: str, language: str) -> None:
    tree = html.fromstring(httpx.get(address, headers={"accept-language": accepted}).text)
    assert tree.get("lang") == language
    assert meta(tree, "description") == [Texts(language)("page.description")]


def test_each_inline_script_carries_the_word_of_this_reply(address: str) -> None:
    replies = [httpx.get(address) for _ in range(2)]
    words = [re.search(r"'nonce-([\w-]+)'", reply.headers["content-security-policy"])[1] for reply in replies]
    assert words[0] != words[1]
    for reply, word in zip(replies, words, strict=True):
        scripts = html.fromstring(reply.text).xpath("//script")
        assert len(scripts) >= 4
        assert {script.get("nonce") for script in scripts} == {word}


def test_an_icon_and_a_word_for_robots_are_there(address: str) -> None:
    assert httpx.get(f"{address}favicon.ico").headers["content-type"] == "image/svg+xml"
    assert httpx.get(f"{address}robots.txt").text == "User-agent: *\nDisallow: /\n"


@pytest.mark.parametrize("name", LANGUAGES)
def test_texts_stand_in_the_head_as_text(name: str) -> None:
    page = page_html('<html lang="en"><head></head><body class="x"></body></html>', Texts(name), "abc")
    tree = html.fromstring(page)
    assert meta(tree, "description") == [Texts(name)("page.description")]
    assert tree.xpath("//body[@class='x']/noscript/p")


def test_only_the_page_itself_is_rewritten(address: str) -> None:
    assert httpx.get(f"{address}healthz").json()["status"] == "ok"
    assert httpx.head(address).status_code == 200
