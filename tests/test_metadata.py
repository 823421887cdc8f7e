from datetime import date
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from index.datelines import Dateline, dateline_end, find_dateline
from index.dates import date_interval, parse_date
from index.metadata import MAX_FIELD_LENGTH, clean_field, clean_url, combine, metadata_from_fields, read_metadata
from index.sidecar import read_sidecar
from index.types import Failure, Metadata, normalise_text

SEEDS = Path(__file__).parent.parent / "seeds"
PARAGRAPH = "\n\nThe council met on Thursday and decided, after a debate of five hours, to adopt the proposal.\n"


def stated(text: str, **options: bool) -> Metadata:
    return read_metadata(text, **options)[1]


# Dates


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("March 4, 2021", "2021-03-04"),
        ("Mar. 4 2021", "2021-03-04"),
        ("4 March 2021", "2021-03-04"),
        ("the 4th of March 2021", "2021-03-04"),
        ("Monday, 4 March 2021", "2021-03-04"),
        ("Sept. 9, 2021", "2021-09-09"),
        ("6:40 a.m., May 20, 2021", "2021-05-20"),
        ("March 4, 2021 at 5:30 pm", "2021-03-04"),
        ("Thu, 04 Mar 2021 10:00:00 GMT", "2021-03-04"),
        ("2021-03-04T23:59:00-05:00", "2021-03-04"),
        ("2021-03-04 10:00", "2021-03-04"),
        ("2021/03/04", "2021-03-04"),
        ("20210304", "2021-03-04"),
        ("04.03.2021", "2021-03-04"),
        ("25/12/2021", "2021-12-25"),
        ("12/25/2021", "2021-12-25"),
        ("5/5/2021", "2021-05-05"),
        ("4/3/2021", "2021"),
        ("March 2021", "2021-03"),
        ("2021-03", "2021-03"),
        ("2021", "2021"),
        ("Dec 25", "--12-25"),
        ("June 3.", "--06-03"),
        ("--12-25", "--12-25"),
        ("--02-29", "--02-29"),
        ("29 February 2024", "2024-02-29"),
        ("29 February 2023", None),
        ("2021-02-30", None),
        ("2021-13", None),
        ("13/13/2021", None),
        ("32 May", None),
        ("0000", None),
        ("May", None),
        ("Monday", None),
        ("yesterday", None),
        ("", None),
        ("March 4, 2021 " * 20, None),
    ],
)
def test_a_date_is_what_is_stated_and_no_more(text, expected):
    assert parse_date(text) == expected


@given(st.text())
def test_parsing_a_date_never_fails(text):
    assert parse_date(text) is None or parse_date(text) == parse_date(parse_date(text))


@given(st.dates())
def test_every_way_to_write_a_day_is_the_same_day(day):
    month = day.strftime("%B")
    forms = (
        day.isoformat(),
        f"{month} {day.day}, {day.year:04}",
        f"{day.day} {month[:3]} {day.year:04}",
        f"{day.day}.{day.month}.{day.year:04}",
    )
    assert {parse_date(form) for form in forms} == {day.isoformat()}
    assert date_interval(day.isoformat()) == (day, day)


@pytest.mark.parametrize(
    ("published", "expected"),
    [
        ("2022-05", (date(2022, 5, 1), date(2022, 5, 31))),
        ("2024-02", (date(2024, 2, 1), date(2024, 2, 29))),
        ("2017", (date(2017, 1, 1), date(2017, 12, 31))),
        ("--12-25", None),
        ("2017-02-30", None),
        ("some day", None),
        (None, None),
    ],
)
def test_the_days_that_fit_a_date(published, expected):
    assert date_interval(published) == expected


# Datelines


@pytest.mark.parametrize(
    ("dateline", "place", "source", "published"),
    [
        ("MOSCOW, Dec 25 (Agencies):", "MOSCOW", "Agencies", "--12-25"),
        ("UN, June 3. /TASS/.", "UN", "TASS", "--06-03"),
        ("date 2022-01-21 MOSCOW, January 21. /TASS/.", "MOSCOW", "TASS", "2022-01-21"),
        ("LONDON (Reuters) -", "LONDON", "Reuters", None),
        ("LONDON, March 4, 2021 (Reuters) -", "LONDON", "Reuters", "2021-03-04"),
        ("BEIJING, May 4 (Xinhua) --", "BEIJING", "Xinhua", "--05-04"),
        ("WASHINGTON —", "WASHINGTON", None, None),
        ("WASHINGTON, D.C. (AP) —", "WASHINGTON, D.C.", "AP", None),
        ("ST. PETERSBURG, Fla. (AP) —", "ST. PETERSBURG, Fla.", "AP", None),
        ("PORT-AU-PRINCE, Haiti (AP) —", "PORT-AU-PRINCE, Haiti", "AP", None),
        ("SEOUL and TOKYO (Reuters) -", "SEOUL and TOKYO", "Reuters", None),
        ("KIEV/MOSCOW (Reuters) -", "KIEV/MOSCOW", "Reuters", None),
        ("GENEVA, 4 March 2021 -", "GENEVA", None, "2021-03-04"),
        ("MOSCOW (Dec. 25) —", "MOSCOW", None, "--12-25"),
        ("Moscow, 25 December (Interfax) -", "Moscow", "Interfax", "--12-25"),
        ("Moscow (AFP) –", "Moscow", "AFP", None),
        ("МОСКВА /ТАСС/.", "МОСКВА", "ТАСС", None),
    ],
)
@pytest.mark.parametrize("before", ["", " ", "Council widens sanctions\n\nBy Jane Doe\n"])
def test_a_dateline_is_found_at_the_start_and_below_the_title(before, dateline, place, source, published):
    text = f"{before}{dateline} The council has widened the sanctions, an envoy said."
    found = find_dateline(text)
    assert found == Dateline(len(before), len(before) + len(dateline), place, source, published)
    assert dateline_end(text) == found.end


@pytest.mark.parametrize(
    "text",
    [
        "The council has widened the sanctions.",
        "John Smith (Labour) - the winner of the seat that was contested on Thursday - took it with ease.",
        "WHO (World Health Organization) - the body that advises governments on health - met on Thursday.",
        "BREAKING — The council has widened the sanctions against the country, an envoy said.",
        "WARNING: the following article describes scenes that some readers may find hard to bear.",
        "NATO - what next",
        "I — The first of the chapters, in which nothing happens for a very long time indeed",
        "MOSCOW, Feb 30 (Agencies): There is no such day, and so there is no such dateline.",
        "The first paragraph is long enough to be one and ends with a full stop.\nLONDON (Reuters) - It goes on.",
        "",
    ],
)
def test_what_only_looks_like_a_dateline_is_none(text):
    assert find_dateline(text) is None
    assert dateline_end(text) == 0


@given(st.text(alphabet=st.sampled_from("AB ab,.-—/()\n:4")))
def test_a_dateline_lies_within_the_text(text):
    if found := find_dateline(text):
        assert 0 <= found.start < found.end <= len(text)
        assert text[found.start : found.end] == text[found.start : found.end].strip()
        assert text[found.start :].startswith(found.place)


# What an article says about itself


@pytest.mark.parametrize(
    ("name", "dropped", "expected"),
    [
        ("000_0a6e520dd5dae2e1.txt", "", Metadata()),
        ("001_a41ec2105ae844da.txt", "", Metadata(source="Agencies", place="MOSCOW", published="--12-25")),
        (
            "002_b0f6c0ed62496284.txt",
            "",
            Metadata(
                title="UN Security Council expands sanctions on North Korea",
                source="TASS",
                place="UN",
                published="--06-03",
            ),
        ),
        ("003_7292dab16e3bfbd6.txt", "", Metadata(source="TASS", place="MOSCOW", published="2022-01-21")),
        (
            "004_07e73ffc56f1bfdc.txt",
            "Accessibility links\n\nBreaking News\n\n",
            Metadata(title="Russia Opposes U.S. Call For New Sanctions Against North Korea"),
        ),
    ],
)
def test_the_sample_articles_without_their_sidecar(name, dropped, expected):
    text = normalise_text((SEEDS / name).read_text(encoding="utf-8"))
    assert read_metadata(text) == (text.removeprefix(dropped), expected)
    assert text.startswith(dropped)


def test_dateline_ends_of_the_sample_articles():
    def sentence(name: str) -> str:
        text = (SEEDS / name).read_text(encoding="utf-8")
        return text[dateline_end(text) :].lstrip()[:20]

    assert sentence("001_a41ec2105ae844da.txt") == "Russian Foreign Mini"
    assert sentence("002_b0f6c0ed62496284.txt") == "The UN Security Coun"
    assert sentence("003_7292dab16e3bfbd6.txt") == "Washington is ‘defin"


def test_title_byline_publication_and_date_lines():
    article = "Regulator freezes levy\n\nBy Jane Doe and John van Roe\nThe Ellery Ledger\nOctober 22, 2019" + PARAGRAPH
    assert stated(article) == Metadata(
        title="Regulator freezes levy",
        source="The Ellery Ledger",
        author="Jane Doe, John van Roe",
        published="2019-10-22",
    )


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("Published: 4 March 2021", Metadata(published="2021-03-04")),
        ("Published 6:40 a.m., May 20, 2021", Metadata(published="2021-05-20")),
        ("Published on 4 March 2021, last updated 5 March 2021", Metadata(published="2021-03-04")),
        ("Updated: 5 March 2021", Metadata()),
        ("By Jane Doe, BBC News", Metadata(author="Jane Doe", source="BBC News")),
        ("By Jane Doe, The Ellery Ledger", Metadata(author="Jane Doe", source="The Ellery Ledger")),
        ("By Reuters", Metadata(source="Reuters")),
        ("Author: Jane Doe", Metadata(author="Jane Doe")),
        ("Source: TASS", Metadata(source="TASS")),
        ("Sept. 6, 2023 - The Ellery Ledger", Metadata(published="2023-09-06", source="The Ellery Ledger")),
        ("Jan 5, 2021 | By Jane Doe", Metadata(published="2021-01-05", author="Jane Doe")),
        ("By the time it was over, nobody was left", Metadata()),
        ("By Sunday Morning", Metadata()),
    ],
)
def test_one_line_below_the_title(line, expected):
    assert stated(f"Council widens sanctions\n{line}{PARAGRAPH}") == combine(
        Metadata(title="Council widens sanctions"), expected
    )


@pytest.mark.parametrize(
    ("text", "title"),
    [
        ("# Council *widens* [sanctions](https://example.org)" + PARAGRAPH, "Council widens sanctions"),
        ("Who won? The numbers explained" + PARAGRAPH, "Who won? The numbers explained"),
        ("iPhone sales fall" + PARAGRAPH, "iPhone sales fall"),
        ("Source: Iran ready to talk" + PARAGRAPH, "Source: Iran ready to talk"),
        ("By Jane Doe\nCouncil widens sanctions" + PARAGRAPH, "Council widens sanctions"),
        ("“Stop this”, says envoy\n\nBy Jane Doe" + PARAGRAPH, "“Stop this”, says envoy"),
        (
            "‘I can wait for a ship. I cannot wait’\n\nLONDON (Reuters) - He said.",
            "‘I can wait for a ship. I cannot wait’",
        ),
        (
            "Ellery harbour parties sign settlement; fish levy to go, channel to be\nshallower" + PARAGRAPH,
            "Ellery harbour parties sign settlement; fish levy to go, channel to be shallower",
        ),
        ("“We urge everyone to stop,” she said" + PARAGRAPH, None),
        ("The council met." + PARAGRAPH, None),
        ("The council met. It decided nothing" + PARAGRAPH, None),
        ("The council decided, among other things:" + PARAGRAPH, None),
        ("and so it went on" + PARAGRAPH, None),
        ("Sanctions" + PARAGRAPH, None),
        ("* * *" + PARAGRAPH, None),
        ("Council widens sanctions", None),
        ("Council widens sanctions " * 10 + PARAGRAPH, None),
        (
            "The four-year dispute over the deepening of the port of\n"
            "Ellery formally ended on Tuesday, when seven parties\n"
            "signed a settlement.",
            None,
        ),
        ("LONDON (Reuters) - The council met" + PARAGRAPH, None),
    ],
)
def test_a_title_is_a_line_of_its_own_and_no_sentence(text, title):
    assert stated(text).title == title


def test_navigation_is_dropped_only_above_a_plain_text():
    top = "Skip to main content\nThe Ledger | Subscribe | Log in\n Home > News \n\nYou have 3 free articles left.\n\n"
    body = "  Council widens sanctions\n\nBreaking News\n\nHome" + PARAGRAPH
    assert read_metadata(top + body)[0] == body
    assert read_metadata(body)[0] == body
    assert read_metadata(top + body, navigation=False)[0] == top + body
    assert read_metadata("Breaking News\n\nMenu\n")[0] == "Breaking News\n\nMenu\n"
    assert read_metadata("\n\n" + body)[0] == "\n\n" + body


def test_front_matter_states_metadata_and_leaves_the_text():
    text = (
        '---\ntitle: "Sanctions: the vote"\nauthors:\n  - Jane Doe\n  - John Roe\ndate: 2021-03\n'
        "link: https://example.org/a\ntags: [x, y]\n# a comment\n---\n\nThe text.\n"
    )
    expected = Metadata(
        title="Sanctions: the vote", author="Jane Doe, John Roe", published="2021-03", url="https://example.org/a"
    )
    assert read_metadata(text, markdown=True) == ("The text.\n", expected)
    assert read_metadata(text)[0] == text


@pytest.mark.parametrize(
    "text",
    [
        "---\n\nA text after a rule.\n\n---\n",
        "---\ntitle: never closed\n\nText\n",
        "---\nJust prose here.\n---\nText\n",
    ],
)
def test_a_rule_at_the_top_is_no_front_matter(text):
    assert read_metadata(text, markdown=True)[0] == text


LINES = st.sampled_from(
    ["", " ", "Menu", "Breaking News", "Home > News", "Title of it", "---", "title: x", "- y", "By Jane Doe"]
)


@given(st.one_of(st.text(), st.lists(LINES).map("\n".join)), st.booleans(), st.booleans())
def test_the_stored_text_is_the_text_without_lines_at_its_top(text, markdown, navigation):
    kept, metadata = read_metadata(text, markdown=markdown, navigation=navigation)
    assert text.endswith(kept)
    dropped = text.removesuffix(kept) if kept else text
    assert dropped == "" or dropped.endswith("\n")
    if not markdown:
        assert {line.strip() for line in dropped.splitlines()} <= {"", "Menu", "Breaking News", "Home > News"}
    if not markdown and not navigation:
        assert kept == text
    for value in (metadata.title, metadata.author, metadata.source, metadata.place):
        assert value is None or value.strip()


def test_named_fields():
    fields = {"Headline": " A\ttitle ", "Publisher": "TASS", "AUTHORS": ["A B", "C D"], "date": "Dec 25", "url": "/a"}
    assert metadata_from_fields(fields) == Metadata(
        title="A title", source="TASS", author="A B, C D", published="--12-25"
    )
    assert metadata_from_fields({"title": "", "headline": "Second", "date": 2021}) == Metadata(
        title="Second", published="2021"
    )
    assert metadata_from_fields({"title": {"a": 1}, "date": True, "published": "soon"}) == Metadata()


def test_fields_are_one_clean_line():
    assert clean_field("a\x1b[31m\n b\ud800\u2028c") == "a [31m b c"
    assert clean_field("x" * 9999) == "x" * MAX_FIELD_LENGTH
    assert clean_field(" \n ") is None
    assert clean_url("javascript:alert(1)") is None
    assert clean_url("https://") is None
    assert clean_url("HTTPS://example.org/a b") is None
    assert clean_url(" https://example.org/a ") == "https://example.org/a"


def test_the_first_statement_of_a_field_counts():
    first, second = Metadata(title="A"), Metadata(title="B", source="TASS")
    assert combine(first, second) == Metadata(title="A", source="TASS")
    assert combine() == Metadata()


# The sidecar


def sidecar(folder: Path, content: str | bytes) -> list[str]:
    (folder / "metadata.csv").write_bytes(content if isinstance(content, bytes) else content.encode())
    found = read_sidecar(folder)
    assert {failure.origin for failure in found.failures} <= {str(folder / "metadata.csv")}
    return [failure.reason for failure in found.failures]


def test_sidecar_rows(tmp_path):
    (tmp_path / "a.txt").write_text("x")
    (tmp_path / "café.txt").write_text("x")
    rows = 'file,title,source,published,url,note\na.txt,"A, b",,"March 4, 2021",,x\n\ncafe\u0301.txt,,TASS\n'
    assert sidecar(tmp_path, "\ufeff" + rows) == []
    found = read_sidecar(tmp_path)
    assert found.row("a.txt") == Metadata(title="A, b", published="2021-03-04")
    assert found.row("café.txt") == Metadata(source="TASS")
    assert found.row("b.txt") == Metadata()


@pytest.mark.parametrize(
    ("content", "reasons"),
    [
        (
            "name,title\na.txt,T\n",
            ["Line 1: there is no column 'file'; begin the file with: file,title,source,published,url."],
        ),
        ("", ["Line 1: there is no column 'file'; begin the file with: file,title,source,published,url."]),
        (
            'file,title,published\na.txt,"on\ntwo lines",2021\na.txt,T,\n',
            ["Line 4: 'a.txt' already has a row above; keep one of them."],
        ),
        (
            "file,published\na.txt,soon\n",
            ["Line 2: 'soon' is not a date such as 2017-06-03, 2017-06, 2017 or --12-25."],
        ),
        ("file,url\na.txt,ftp://x\n", ["Line 2: 'ftp://x' is not an http or https address."]),
        (
            "file,title\n\nb.txt,T\n",
            ["Line 3: there is no file 'b.txt' in this folder; correct the name or remove the row."],
        ),
        ("file,title\n../a.txt,T\n", ["Line 2: '../a.txt' is not the name of a file in this folder."]),
        (
            "file,title\na.txt,T,U\n",
            ["Line 2: there are 3 cells under 2 columns; put texts that hold a comma in quotes."],
        ),
        ('file,title\na.txt,"T\n', ["Line 2: it is not CSV (unexpected end of data); only the rows above count."]),
        (b"file,title\na.txt,caf\xe9\n", ["Line 2: the text is not UTF-8; save it as CSV UTF-8."]),
    ],
)
def test_a_broken_sidecar_says_where_and_what(tmp_path, content, reasons):
    (tmp_path / "a.txt").write_text("x")
    assert sidecar(tmp_path, content) == reasons


def test_the_rest_of_a_row_with_a_wrong_date_counts(tmp_path):
    (tmp_path / "a.txt").write_text("x")
    assert len(sidecar(tmp_path, "file,title,published\na.txt,T,soon\n")) == 1
    assert read_sidecar(tmp_path).row("a.txt") == Metadata(title="T")


def test_no_sidecar_is_an_empty_one(tmp_path):
    assert read_sidecar(tmp_path).failures == ()
    assert read_sidecar(tmp_path).row("a.txt") == Metadata()


def test_the_sidecar_of_the_sample_collection():
    found = read_sidecar(SEEDS)
    assert found.failures == ()
    assert {name: (row.source, row.published) for name, row in found.rows.items()} == {
        "000_0a6e520dd5dae2e1.txt": ("Sputnik", "2022-05"),
        "001_a41ec2105ae844da.txt": ("Agencies", "2017-12-25"),
        "002_b0f6c0ed62496284.txt": ("TASS", "2017-06-03"),
        "003_7292dab16e3bfbd6.txt": ("TASS", "2022-01-21"),
        "004_07e73ffc56f1bfdc.txt": ("RFE/RL", "2017-07-05"),
    }
    for name in ("002_b0f6c0ed62496284.txt", "004_07e73ffc56f1bfdc.txt"):
        text = (SEEDS / name).read_text(encoding="utf-8")
        assert found.row(name).title == stated(text).title


def test_an_unreadable_sidecar_is_a_failure(tmp_path, monkeypatch):
    (tmp_path / "metadata.csv").write_text("file\n")

    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "open", refuse)
    assert read_sidecar(tmp_path).failures == (
        Failure(str(tmp_path / "metadata.csv"), "It cannot be read: Permission denied."),
    )
