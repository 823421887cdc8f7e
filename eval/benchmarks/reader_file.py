"""The reader's checkpoint as the file that ships: half precision, without the word pieces' own vectors."""

import re
from hashlib import sha256
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file

from development_sets import ROOT
from rag.reader import FILE

INNER = "bert."
LEFT_OUT = f"{INNER}embeddings.word_embeddings.weight"
HEADS = ("span.", "pool.", "judge.")


def write_reader(checkpoint: Path, path: Path = FILE) -> None:
    """Writes the file and, if it is the one that ships, its SHA-256 into `rag/reader.py`."""
    net = torch.load(checkpoint, map_location="cpu", weights_only=True)["net"]
    tensors = {
        name.removeprefix(INNER): value.to(torch.float16).contiguous()
        for name, value in net.items()
        if name != LEFT_OUT and value.is_floating_point()
    }
    save_file(tensors, path)
    path.chmod(0o644)
    digest = sha256(path.read_bytes()).hexdigest()
    print(f"wrote {path.name}, {path.stat().st_size:,} bytes, SHA-256 {digest}")
    if path == FILE:
        module = ROOT / "rag" / "reader.py"
        text = module.read_text(encoding="utf-8")
        module.write_text(
            re.sub(r'^DIGEST = ".*"$', f'DIGEST = "{digest}"', text, flags=re.MULTILINE), encoding="utf-8"
        )


def read_reader(net: torch.nn.Module, path: Path) -> None:
    """Puts the weights of a file into a net; the vectors of word pieces stay as they are."""
    tensors = load_file(path)
    named = {name if name.startswith(HEADS) else INNER + name: value.float() for name, value in tensors.items()}
    missing, unknown = net.load_state_dict(named, strict=False)
    wrong = [*unknown, *(name for name in missing if name != LEFT_OUT and "position_ids" not in name)]
    if wrong:
        raise ValueError(f"{path} is no reader's file: {', '.join(wrong)}")
