"""Regular expressions that wait until they are used."""

import ast
import re
from pathlib import Path

import pytest

from index.patterns import late

ROOT = Path(__file__).resolve().parent.parent


def test_it_is_compiled_at_the_first_use_and_once(monkeypatch: pytest.MonkeyPatch) -> None:
    compiled: list[str] = []
    compile_now = re.compile

    def watched(pattern: str, flags: int = 0) -> re.Pattern[str]:
        compiled.append(pattern)
        return compile_now(pattern, flags)

    monkeypatch.setattr(re, "compile", watched)
    pattern = late(r"(?P<word>\w+)!", re.IGNORECASE)
    assert (pattern.pattern, compiled) == (r"(?P<word>\w+)!", [])
    for _ in range(2):
        assert [match["word"] for match in pattern.finditer("A b! C!")] == ["b", "C"]
        assert pattern.sub("x", "a! b") == "x b"
    assert dict(pattern.groupindex) == {"word": 1}
    assert pattern.flags & re.IGNORECASE
    assert compiled == [r"(?P<word>\w+)!"]


def test_every_pattern_of_the_packages_compiles() -> None:
    """What waits until it is used is wrong for nobody to see, unless it is used here."""
    import importlib

    seen = 0
    for file in sorted([*(ROOT / "rag").glob("*.py"), *(ROOT / "index").glob("*.py")]):
        source = file.read_text("utf-8")
        if "import late" in source:
            module = importlib.import_module(f"{file.parent.name}.{file.stem}")
            for value in vars(module).values():
                for one in value if isinstance(value, tuple) else (value,):
                    if type(one).__name__ == "_Pattern":
                        assert one.flags & re.UNICODE, "it compiles"
                        seen += 1
    assert seen >= 40


def test_no_late_pattern_is_given_to_the_functions_of_re() -> None:
    for file in sorted([*(ROOT / "rag").glob("*.py"), *(ROOT / "index").glob("*.py")]):
        tree = ast.parse(file.read_text("utf-8"))
        names = {
            target.id
            for node in ast.walk(tree)
            if isinstance(node, ast.Assign)
            and isinstance(node.value, ast.Call)
            and getattr(node.value.func, "id", "") == "late"
            for target in node.targets
            if isinstance(target, ast.Name)
        }
        given = {
            node.args[0].id
            for node in ast.walk(tree)
            if isinstance(node, ast.Call)
            and isinstance(node.func, ast.Attribute)
            and getattr(node.func.value, "id", "") == "re"
            and node.args
            and isinstance(node.args[0], ast.Name)
        }
        assert not names & given, file.name
