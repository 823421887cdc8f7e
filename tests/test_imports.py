"""The packages import one way, and asking for help loads nothing heavy and writes nothing."""

import ast
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from index.ingest import index_paths
from index.library import Library

ROOT = Path(__file__).resolve().parent.parent
ORDER = ("index", "rag", "eval", "ui")
HEAVY = {"torch", "faiss", "gradio", "sentence_transformers", "transformers", "openai", "tantivy", "trafilatura"}


def imported_modules(source: str) -> set[str]:
    """The full names of all modules that a source imports, also inside functions and under conditions."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            names.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports are absolute"
            names.add(node.module or "")
    return names


def violations(package: str, source: str) -> set[str]:
    """The modules that a source of a package imports from packages that come after it."""
    later = ORDER[ORDER.index(package) + 1 :]
    return {name for name in imported_modules(source) if name.partition(".")[0] in later}


@pytest.mark.parametrize("package", ORDER)
def test_packages_import_one_way(package):
    files = sorted((ROOT / package).rglob("*.py"))
    assert files
    assert {file.name: found for file in files if (found := violations(package, file.read_text("utf-8")))} == {}


def test_the_walk_finds_a_violation():
    assert violations("index", "def f():\n    from rag.types import Answer\n") == {"rag.types"}
    assert violations("rag", "import eval.metrics, index.types") == {"eval.metrics"}
    assert violations("ui", "import eval.metrics\nimport rag.types") == set()
    with pytest.raises(AssertionError, match="absolute"):
        violations("index", "from . import types")


def in_subprocess(code: str, home: Path) -> str:
    home.mkdir()
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("DATELINE", "XDG"))}
    environment.update(HOME=str(home), USERPROFILE=str(home), PYTHONDONTWRITEBYTECODE="1")
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, env=environment, cwd=home, timeout=60, check=True
    )
    assert list(home.iterdir()) == [], "nothing is written"
    return done.stdout


@pytest.mark.parametrize("arguments", [["--help"], ["--version"], ["ask", "--help"], ["serve", "--help"]])
def test_help_loads_nothing_heavy_and_writes_nothing(arguments, tmp_path):
    code = f"""
import sys, json
sys.argv = ["dateline", *{arguments!r}]
from ui.cli import main
try:
    main()
except SystemExit as stop:
    assert stop.code == 0, stop.code
print("\\n" + json.dumps(sorted(sys.modules)))
"""
    loaded = json.loads(in_subprocess(code, tmp_path / "home").splitlines()[-1])
    assert "ui.cli" in loaded
    assert not HEAVY & set(loaded)


def test_importing_any_module_loads_no_model_library_and_writes_nothing(tmp_path):
    """The page's own modules are what needs gradio; nothing else may bring it."""
    modules = sorted(
        f"{package}.{file.stem}" for package in ("index", "rag", "eval") for file in (ROOT / package).glob("[a-z]*.py")
    )
    code = f"""
import importlib, json, sys
for name in {modules!r}:
    importlib.import_module(name)
print(json.dumps(sorted(sys.modules)))
"""
    loaded = json.loads(in_subprocess(code, tmp_path / "home"))
    assert set(modules) <= set(loaded)
    assert not {"torch", "faiss", "gradio", "sentence_transformers", "transformers"} & set(loaded)


UNASKED = HEAVY - {"faiss", "tantivy"} | {
    "sklearn", "scipy", "pandas", "huggingface_hub", "safetensors", "dateparser", "lxml", "httpx", "pypdf", "docx",
    "tiktoken", "regex", "jinja2", "pydantic", "fastapi", "uvicorn", "rich", "tqdm", "filelock", "asyncio", "email",
}  # fmt: skip
"""What neither finding passages nor an answer made of the articles' own sentences needs."""


@pytest.fixture(scope="module")
def small_library(tmp_path_factory):
    folder = tmp_path_factory.mktemp("cold")
    (folder / "harbour.txt").write_text(
        "The harbour reopened\n\nThe harbour of Vostok reopened in May 2018, the ministry said. Ships left again.\n"
    )
    with Library.open_for_writing(folder / "library") as library:
        index_paths(library, [str(folder / "harbour.txt")])
    return folder / "library"


def modules_after(arguments, code, home):
    """The modules that are loaded when a command has ended with an exit code."""
    printed = in_subprocess(
        f"""
import sys, json
sys.argv = ["dateline", *{arguments!r}]
from ui.cli import main
try:
    main()
except SystemExit as stop:
    assert stop.code == {code}, stop.code
print("\\n" + json.dumps(sorted(sys.modules)))
""",
        home,
    )
    return printed, set(json.loads(printed.splitlines()[-1]))


@pytest.mark.parametrize(
    ("command", "encodes"),
    [(["search"], True), (["search", "--mode", "keyword"], False), (["search", "--json"], True), (["ask"], True)],
)
def test_a_question_loads_nothing_that_it_does_not_need(command, encodes, small_library, tmp_path):
    arguments = [*command, "When did the harbour of Vostok reopen?", "--library", str(small_library)]
    printed, loaded = modules_after(arguments, 0, tmp_path / "home")
    assert "harbour of Vostok reopened" in printed
    assert ("index.default_encoder" in loaded) == encodes
    assert not UNASKED & loaded


def test_only_a_question_that_counts_from_today_loads_what_counts_days(small_library, tmp_path):
    """The other tests could not fail if nothing were ever loaded."""
    question = ["What reopened three weeks ago?", "--as-of", "2018-06-01"]
    arguments = ["search", *question, "--library", str(small_library)]
    _, loaded = modules_after(arguments, 0, tmp_path / "home")
    assert "dateparser" in loaded
    assert not HEAVY - {"faiss", "tantivy"} & loaded


def test_unchanged_files_load_no_encoder(small_library, tmp_path):
    arguments = ["index", str(small_library.parent / "harbour.txt"), "--library", str(small_library)]
    printed, loaded = modules_after(arguments, 0, tmp_path / "home")
    assert "1 unchanged" in printed
    assert not (UNASKED - {"filelock", "asyncio", "tqdm"} | {"faiss", "numpy", "index.default_encoder"}) & loaded
