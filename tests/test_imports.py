"""The packages import one way, and asking for help loads nothing heavy and writes nothing."""

import ast
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

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
