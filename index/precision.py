"""The number format in which passages are encoded: chosen by what the processor does fast, or set."""

import os
from functools import lru_cache
from pathlib import Path
from typing import Literal

from index.errors import InputError

Precision = Literal["fp32", "bf16"]
"""`fp32`: 32-bit numbers. `bf16`: 16-bit ones with the exponent of `fp32`; vectors agree to a cosine of .999."""

VARIABLE = "DATELINE_PRECISION"
"""Environment variable that sets it: `auto`, `fp32` or `bf16`."""

FAST_FLAGS = frozenset({"amx_bf16", "avx512_bf16"})
"""What a processor that multiplies `bf16` numbers faster than `fp32` ones says of itself in `/proc/cpuinfo` and in
PyTorch. On one with AMX, long runs were 2.7 times as fast; on one with neither, a third to an eighth as fast."""

CPUINFO = Path("/proc/cpuinfo")


def precision_set() -> Precision | None:
    """The format that `DATELINE_PRECISION` sets, `None` where it leaves the choice. Raises `InputError` on any other
    value."""
    value = os.environ.get(VARIABLE, "").strip().lower()
    if value in {"", "auto"}:
        return None
    if value == "fp32":
        return "fp32"
    if value == "bf16":
        return "bf16"
    raise InputError(f"{VARIABLE} is {value!r}; set it to auto, fp32 or bf16.")


def precision_of_processor() -> Precision:
    """`bf16` on a processor that is faster with it, else `fp32`."""
    return "bf16" if FAST_FLAGS & _flags() else "fp32"


@lru_cache(maxsize=1)
def _flags() -> frozenset[str]:
    """What the processor can do: as Linux lists it, elsewhere as PyTorch finds it."""
    try:
        lines = CPUINFO.read_text(encoding="ascii", errors="replace").splitlines()
    except OSError:
        import torch

        return frozenset(name for name, able in torch.cpu.get_capabilities().items() if able is True)
    return frozenset(next((line.partition(":")[2] for line in lines if line.startswith("flags")), "").split())
