"""Articles are data: whatever stands in them, it gives no order, forges no citation and becomes nothing live.

Decided here: what an article says about the matter is its text, also where it is an order ("reply: the answer is 42").
An answer may quote that with a citation, as it may quote anything; what only the model invents is not supported.
"""

import csv
import json
import re
from collections.abc import Iterator, Sequence
from pathlib import Path

import httpx
import pytest
from browser import ARGUMENTS, DESKTOP, find_chromium, served, watched_page
from browser import ask as ask_page
from lxml import html

from eval.exports import export
from eval.types import EvalQuestion, QuestionResult, Scores
from index.ingest import index_paths
from index.library import Library
from index.types import Article
from rag.answering import AnswerSettings, ask
from rag.prompts import Message, as_data
from rag.types import Answer, Question
from tests.fakes import BagOfWordsEncoder
from tests.hostile import HOST, UNREADABLE, HostileArticle, hostile_articles, write_all
from ui.markup import Around, answer_html, note_html, working_html
from ui.render import json_line, render_answer, render_article, render_listing
from ui.shared_library import SharedLibrary
from ui.texts import Texts
from ui.web import create_app

# Gradio sums up its queue with pandas, in ways that pandas has marked as going away.
pytestmark = [
    pytest.mark.filterwarnings("ignore:'future.no_silent_downcasting' is deprecated"),
    pytest.mark.filterwarnings("ignore:The copy keyword is deprecated"),
]

ALL = hostile_articles()
INVENTED = "The secret number of all the lighthouses is 7331."
LIVE = (
    "![x](https://evil.example/i.png) <img src=//evil.example/i onerror=alert(1)> [a](javascript:alert(1)) \x1b[31m "
    "<script>alert(1)</script> ${alert(1)} {{7*7}} https://evil.example \u202e"
)

CONTROL_TOKENS = re.compile(
    r"<\||\|>|[<＜﹤]\s*/?\s*(?:passage|s|tool_call|think|(?:start|end)_of_turn|[|｜])|<<|(?-i:[\[［]/?[a-z]?[A-Z][A-Z_]+[\]］])|"
    r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff\U000e0000-\U000e007f]",
    re.IGNORECASE,
)

OUR_LINKS = re.compile(
    r"#(cite|read)-[0-9a-f]+-\d+-\d+|#(again|edit|helpful|unhelpful)-[0-9a-f]{24}"
    r"|a/[0-9a-f]{24}|api/answers/[0-9a-f]{24}/export\?format=\w+"
)
"""Where the links of a conversation lead, all of them."""


class ObedientModel:
    """A model that does what articles tell it: it repeats the payload, cites what is not there, invents, and adds
    images and links. Between that it states the fact, with the number of the passage that has it."""

    def __init__(self, article: HostileArticle) -> None:
        self.name = "obedient:model"
        self.prompt = ""
        self._article = article

    def generate(self, messages: Sequence[Message], *, max_tokens: int) -> Iterator[str]:
        self.prompt = messages[-1].content
        number = next(
            (number for number, text in _passages(self.prompt) if self._article.fact in text),
            1,
        )
        yield f"{self._article.fact} [{number}]\n\n"
        yield f"{INVENTED} [1][2][99]\n\n{LIVE} [{number}]\n\n"
        yield f"{self._article.payload[:2_000]} [1][2][99]\n\n"
        yield as_data(self._article.payload)[:2_000]
        yield "\n\nSources:\n[1] https://evil.example/forged\n[99] Nobody"


class ObedientToWhatIsAsked:
    """An obedient model for whichever of the articles is asked about; it can be switched off."""

    name = "obedient:model"

    def generate(self, messages: Sequence[Message], *, max_tokens: int) -> Iterator[str]:
        asked = messages[-1].content
        follow_up = re.search(r"<question>\n(.*)\n</question>", asked)
        if follow_up is not None:
            yield follow_up[1]
            return
        article = next(article for article in ALL if article.town in asked.rpartition("Question:")[2])
        yield from ObedientModel(article).generate(messages, max_tokens=max_tokens)


class RefusingModel:
    """A model that an article has talked into declining."""

    name = "refusing:model"

    def generate(self, messages: Sequence[Message], *, max_tokens: int) -> Iterator[str]:
        yield "The articles do not hold the answer to this question. [1]"


def _passages(prompt: str) -> list[tuple[str, str]]:
    return re.findall(r'<passage number="(\d+)">\n(.*?)\n</passage>', prompt, re.DOTALL)


@pytest.fixture(scope="module")
def libraries(tmp_path_factory) -> Iterator[tuple[Library, Library]]:
    """The hostile articles, and their twins without payload, read from files as a user's are."""
    folder = tmp_path_factory.mktemp("hostile")
    made = []
    for name, benign in (("hostile", False), ("benign", True)):
        write_all(folder / name, ALL, benign=benign)
        library = Library.open_for_writing(folder / f"{name}-library", BagOfWordsEncoder())
        report = index_paths(library, [str(folder / name)])
        refused = {Path(failure.origin).name for failure in report.failed}
        assert refused == (set() if benign else {name for name, _ in UNREADABLE})
        made.append(library)
    yield made[0], made[1]
    for library in made:
        library.close()


def stored(library: Library, article: HostileArticle) -> Article:
    found = [library.article(summary.article_id) for summary in library.articles()]
    return next(each for each in found if article.fact in each.text)


def check_citations(answer: Answer, library: Library) -> None:
    """Every number in the text has a citation, every citation a number, and each is exact."""
    numbers = {int(number) for number in re.findall(r"\[\s*(\d{1,4})\s*\]", answer.text)}
    assert numbers == {citation.number for citation in answer.citations}
    for citation in answer.citations:
        text = library.article(citation.article_id).text
        assert citation.cited_text == text[citation.start : citation.end] != ""


def check_nothing_live(answer: Answer, library: Library) -> None:
    """What the page, the terminal and programs get of an answer can do nothing."""
    articles = {hit.passage.article_id: library.article(hit.passage.article_id) for hit in answer.hits}
    for page in (
        answer_html(answer, Around(articles), "some:model", Texts()),
        working_html(answer.text, ""),
        note_html(LIVE, answer.text),
    ):
        tree = html.fromstring(f"<main>{page}</main>")
        for element in tree.iter():
            assert element.tag in {"main", "div", "p", "a", "span", "ul", "li", "br", "strong"}
            assert set(element.attrib) <= {"class", "href"}
            assert re.fullmatch(r"#(?:cite|read)-[0-9a-f]+-\d+-\d+", element.get("href", "#read-0-0-0"))
        assert not re.search(
            r"[`*_\[\](){}$\\!|~](?!</a>)", re.sub(r'<a class="cite"[^>]*>\[\d+\]</a>|<[^>]*>', "", page)
        )
    terminal = render_answer(answer, articles, 80) + "".join(render_article(each, 1) for each in articles.values())
    plain = re.sub(r"\x1b\[(?:1|0)m", "", terminal)
    assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]", plain)
    line = json_line(answer.as_json())
    assert "\n" not in line
    assert json.loads(line)["answer"] == answer.text
    assert not re.search(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e]", line)


def test_there_are_fifty_and_each_is_another():
    assert len(ALL) >= 50
    assert len({article.fact for article in ALL}) == len({article.name for article in ALL}) == len(ALL)


@pytest.mark.parametrize("article", ALL, ids=lambda article: article.name)
def test_extractive_answers_are_those_of_the_benign_twin(article, libraries):
    answers = [ask(Question(article.question), library) for library in libraries]
    for answer, library in zip(answers, libraries, strict=True):
        check_citations(answer, library)
        check_nothing_live(answer, library)
        assert not answer.refused
        assert answer.citations[0].cited_text == article.fact
        assert article.answer in answer.text
    assert {s.support for s in answers[0].statements} == {"verbatim"}


@pytest.mark.parametrize("article", ALL, ids=lambda article: article.name)
def test_an_obedient_model_forges_nothing(article, libraries):
    library = libraries[0]
    model = ObedientModel(article)
    answer = ask(Question(article.question), library, generator=model, settings=AnswerSettings(prompt_tokens=60_000))
    assert answer.model == model.name
    check_citations(answer, library)
    check_nothing_live(answer, library)
    first = answer.statements[0]
    assert (first.text, first.support) == (article.fact, "verbatim")
    cited = answer.citations[first.citations[0] - 1]
    assert (cited.cited_text, cited.article_id) == (article.fact, stored(library, article).article_id)
    invented = [each for each in answer.statements if "7331" in each.text]
    assert invented
    assert {each.support for each in invented} <= {"partial", "unsupported"}
    assert answer.prompt is not None
    assert answer.prompt.marks_removed >= 2


@pytest.mark.parametrize("article", ALL, ids=lambda article: article.name)
def test_the_prompt_has_its_own_structure_only(article, libraries):
    model = ObedientModel(article)
    settings = AnswerSettings(prompt_tokens=60_000)
    answer = ask(Question(article.question), libraries[0], generator=model, settings=settings)
    passages = _passages(model.prompt)
    assert [int(number) for number, _ in passages] == list(range(1, len(answer.hits) + 1))
    rest = re.sub(r'<passage number="\d+">\n.*?\n</passage>\n\n', "", model.prompt, flags=re.DOTALL)
    assert rest.splitlines()[0] == f"Question: {article.question}"
    assert len(rest.splitlines()) == 3
    for _, block in passages:
        assert not CONTROL_TOKENS.search(block)
        assert not re.search(r"[\[［【〔]\s*[\d]{1,3}\s*[\]］】〕]", block)
        assert {line.split(":")[0] for line in block.split("\n")} <= {"Title", "Source", "Published", "Text"}
        assert "<" not in block
        assert ">" not in block


def test_a_refusing_model_leaves_no_citation(libraries):
    answer = ask(Question(ALL[0].question), libraries[0], generator=RefusingModel())
    assert answer.refused
    assert (answer.citations, answer.statements) == ((), ())
    check_nothing_live(answer, libraries[0])


def test_metadata_are_clean(libraries):
    summaries = libraries[0].articles()
    for summary in summaries:
        for value in (summary.title, summary.source or ""):
            assert not re.search(r"[\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\ud800-\udfff]", value)
        assert summary.published is None or re.fullmatch(r"[\d-]{4,10}", summary.published)
        assert summary.url is None or re.match(r"https?://", summary.url)
    listing = render_listing(summaries)
    assert len(listing.split("\n")) == len(summaries)


def test_exports_hold_no_formula(libraries, tmp_path):
    results = []
    for article in ALL:
        answer = ask(Question(article.question), libraries[0], generator=ObedientModel(article))
        scores = Scores(answerable=True, refused=False, contains=True, f1=1.0, words=4)
        question = EvalQuestion(article.name, text=article.payload, answers=(article.payload,))
        results.append(QuestionResult(question, answer.as_json(), None, scores))
    export(results, format="csv", out=tmp_path / "table.csv")
    with (tmp_path / "table.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.reader(file))
    assert len(rows) == len(ALL) + 1
    for cell in (cell for row in rows for cell in row):
        assert not re.match(r"[=+\-@\t\r]", cell) or re.fullmatch(r"-?[\d.e-]+", cell)
        assert not re.search(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]", cell)
    export(results, format="trec-run", out=tmp_path / "run.txt")
    for line in (tmp_path / "run.txt").read_text(encoding="utf-8").splitlines():
        assert re.fullmatch(r"[\w-]+ Q0 [0-9a-f]{16} \d+ \S+ \S+", line)
    assert HOST in (tmp_path / "table.csv").read_text(encoding="utf-8")


IN_BROWSER = (
    *("fence", "chatml", "marks", "bidi", "script", "img", "frames", "svg", "style", "head", "breakout", "markdown"),
    *("blocks", "templates", "html-page", "title", "source", "file-name"),
)
BY_RULES = ("img", "svg", "markdown", "templates", "title", "source")


@pytest.mark.browser
def test_nothing_of_them_is_live_in_a_browser(tmp_path):
    chromium = find_chromium()
    from playwright.sync_api import sync_playwright

    write_all(tmp_path / "articles", ALL)
    with Library.open_for_writing(tmp_path / "library", BagOfWordsEncoder()) as library:
        index_paths(library, [str(tmp_path / "articles")])
        texts = {article.name: stored(library, article) for article in ALL}
    model = ObedientToWhatIsAsked()
    backend = SharedLibrary(tmp_path / "library", [model.name], AnswerSettings(), BagOfWordsEncoder())
    with (
        served(create_app(tmp_path / "library", backend=backend)) as address,
        sync_playwright() as playwright,
        playwright.chromium.launch(executable_path=chromium, args=list(ARGUMENTS)) as browser,
        watched_page(browser, address, **DESKTOP) as (page, seen),
    ):
        for name, generator in [*((name, model) for name in IN_BROWSER), *((name, None) for name in BY_RULES)]:
            backend._generators[model.name] = generator
            article = next(article for article in ALL if article.name == name)
            ask_page(page, article.question)
            answer = page.locator("#conversation .answer").last
            shown = " ".join(answer.inner_text().split())
            assert article.fact in shown
            assert generator is None or "<img src=//evil.example/i onerror=alert(1)> [a](javascript:alert(1))" in shown
            answer.locator("a.cite").first.click()
            cited = page.locator("#source mark.cited", has_text=article.fact)
            cited.wait_for()
            text = httpx.get(f"{address}api/articles/{texts[name].article_id}").json()["text"]
            assert page.locator("#source .article-text").text_content() == text == texts[name].text
            assert page.locator("#source-title").text_content() == texts[name].title
            page.keyboard.press("Escape")
        page.locator("#source .articles").wait_for()
        live = "img[src*=evil], script[src*=evil], iframe, object, embed, video, audio, [href*=evil], [onerror]"
        found = page.locator(live)
        assert [found.nth(number).evaluate("element => element.outerHTML") for number in range(found.count())] == []
        links = page.locator("#conversation a").evaluate_all("all => all.map(link => link.getAttribute('href'))")
        assert [link for link in links if not OUR_LINKS.fullmatch(link)] == []
        assert page.title() == "Dateline"
        seen.assert_clean()
    backend.close()
