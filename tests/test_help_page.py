"""The page of the documentation that holds the help of every command."""

from pathlib import Path

from click.testing import CliRunner

from ui.help_page import help_page, main

PAGE = Path(__file__).resolve().parent.parent / "docs" / "help.md"


def test_the_page_names_every_command_and_does_not_depend_on_the_terminal(monkeypatch):
    monkeypatch.setenv("COLUMNS", "50")
    narrow = help_page()
    monkeypatch.setenv("COLUMNS", "150")
    monkeypatch.setenv("DATELINE_K", "3")
    assert help_page() == narrow
    for command in ("index", "articles", "articles list", "articles show", "articles remove", "search", "ask", "serve"):
        assert f"## dateline {command}\n" in narrow
    for command in ("eval", "eval run", "verify", "doctor"):
        assert f"## dateline {command}\n" in narrow
    assert str(Path.home()) not in narrow


def test_check_tells_a_page_that_is_not_up_to_date(tmp_path):
    page = tmp_path / "docs" / "help.md"
    assert CliRunner().invoke(main, ["--check", str(page)]).exit_code == 1
    assert not page.parent.exists()
    assert CliRunner().invoke(main, [str(page)]).exit_code == 0
    assert page.read_text("utf-8") == help_page()
    assert CliRunner().invoke(main, ["--check", str(page)]).exit_code == 0
    page.write_text(help_page() + "more\n", "utf-8")
    result = CliRunner().invoke(main, ["--check", str(page)])
    assert result.exit_code == 1
    assert "make help-doc" in result.stderr


def test_the_page_in_the_documentation_is_up_to_date():
    assert PAGE.read_text("utf-8") == help_page()
