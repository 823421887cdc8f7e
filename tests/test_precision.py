"""Which number format passages are encoded in."""

from pathlib import Path

import pytest

from index import precision
from index.errors import InputError
from index.precision import precision_of_processor, precision_set


@pytest.fixture(autouse=True)
def asked_anew():
    precision._flags.cache_clear()
    yield
    precision._flags.cache_clear()


@pytest.mark.parametrize(
    ("value", "expected"),
    [("", None), ("auto", None), (" AUTO ", None), ("fp32", "fp32"), ("bf16", "bf16"), ("BF16", "bf16")],
)
def test_the_setting(value: str, expected: str | None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATELINE_PRECISION", value)
    assert precision_set() == expected


def test_another_setting_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATELINE_PRECISION", "int8")
    with pytest.raises(InputError, match="DATELINE_PRECISION is 'int8'; set it to auto, fp32 or bf16"):
        precision_set()


@pytest.mark.parametrize(
    ("flags", "expected"),
    [
        ("fpu sse2 avx2 fma", "fp32"),
        ("fpu avx512f avx512_vnni", "fp32"),
        ("fpu avx512f avx512_bf16", "bf16"),
        ("fpu avx512f amx_tile amx_bf16", "bf16"),
        ("fpu amx_tile amx_int8", "fp32"),
    ],
)
def test_the_processor_decides(flags: str, expected: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    info = tmp_path / "cpuinfo"
    info.write_text(f"processor\t: 0\nmodel name\t: Some avx512_bf16 name\nflags\t\t: {flags}\n\nprocessor\t: 1\n")
    monkeypatch.setattr(precision, "CPUINFO", info)
    assert precision_of_processor() == expected


@pytest.mark.parametrize("able", [True, False])
def test_where_the_system_lists_nothing_pytorch_is_asked(
    able: bool, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(precision, "CPUINFO", tmp_path / "not-there")
    monkeypatch.setattr("torch.cpu.get_capabilities", lambda: {"avx2": True, "amx_bf16": able, "cpu_name": "A name"})
    assert precision_of_processor() == ("bf16" if able else "fp32")
