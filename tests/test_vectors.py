"""Vector search against NumPy brute force, and files that are trusted only by their digest."""

import hashlib
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from index.vectors import VectorIndex

DIMENSION = 16


def unit_vectors(seed: int, count: int, dimension: int = DIMENSION) -> NDArray[np.float32]:
    vectors = np.random.default_rng(seed).standard_normal((count, dimension)).astype(np.float32)
    unit: NDArray[np.float32] = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    return unit


def brute_force(
    rows: list[int], vectors: NDArray[np.float32], query: NDArray[np.float32], allowed: set[int] | None
) -> list[tuple[int, float]]:
    """All pairs (row, cosine), best first, in float64 and without FAISS."""
    cosines = vectors.astype(np.float64) @ query.astype(np.float64)
    pairs = zip(rows, cosines.tolist(), strict=True)
    return sorted(((r, c) for r, c in pairs if allowed is None or r in allowed), key=lambda pair: -pair[1])


@settings(max_examples=150)
@given(
    seed=st.integers(0, 2**32 - 1),
    rows=st.lists(st.integers(0, 2**40), unique=True, max_size=60),
    limit=st.integers(0, 80),
    data=st.data(),
)
def test_search_agrees_with_brute_force(seed: int, rows: list[int], limit: int, data: st.DataObject) -> None:
    vectors = unit_vectors(seed, len(rows))
    query = unit_vectors(seed + 1, 1)[0]
    allowed = data.draw(st.one_of(st.none(), st.sets(st.sampled_from([*rows, 2**41, 2**41 + 1]))))
    found = VectorIndex.build(rows, vectors).search(query, limit, allowed)
    expected = brute_force(rows, vectors, query, allowed)[:limit]
    assert [row for row, _ in found] == [row for row, _ in expected]
    np.testing.assert_allclose([cosine for _, cosine in found], [cosine for _, cosine in expected], atol=1e-5)


@given(seed=st.integers(0, 2**32 - 1), count=st.integers(1, 40))
def test_a_vector_is_its_own_nearest_neighbour(seed: int, count: int) -> None:
    vectors = unit_vectors(seed, count)
    index = VectorIndex.build(range(100, 100 + count), vectors)
    for position, vector in enumerate(vectors):
        ((row, cosine),) = index.search(vector, 1)
        assert row == 100 + position
        assert cosine == pytest.approx(1, abs=1e-5)


def test_scores_are_cosines_and_higher_is_better() -> None:
    # Angles of 0, 60, 90 and 180 degrees.
    vectors = np.array([[1, 0], [0.5, 3**0.5 / 2], [0, 1], [-1, 0]], dtype=np.float32)
    found = VectorIndex.build([4, 3, 2, 1], vectors).search(vectors[0], 4)
    assert [row for row, _ in found] == [4, 3, 2, 1]
    assert [cosine for _, cosine in found] == pytest.approx([1, 0.5, 0, -1], abs=1e-6)


def test_nothing_but_rows_that_are_there_is_returned() -> None:
    vectors = unit_vectors(1, 3)
    index = VectorIndex.build([5, 6, 7], vectors)
    assert len(index.search(vectors[0], 1_000)) == 3
    assert index.search(vectors[0], 1_000, []) == []
    assert index.search(vectors[0], 10, [8, 9]) == []
    assert [row for row, _ in index.search(vectors[0], 10, [9, 6, 8])] == [6]
    assert index.search(vectors[0], 0) == index.search(vectors[0], -1) == []


def test_an_empty_index_finds_nothing() -> None:
    index = VectorIndex.build([], np.zeros((0, DIMENSION), dtype=np.float32))
    assert index.search(unit_vectors(1, 1)[0], 5) == []


def test_equal_vectors_are_all_found() -> None:
    vector = unit_vectors(1, 1)[0]
    index = VectorIndex.build(range(5), np.stack([vector] * 5))
    assert {row for row, _ in index.search(vector, 5)} == set(range(5))


@settings(max_examples=30)
@given(seed=st.integers(0, 2**32 - 1), count=st.integers(0, 30))
def test_a_saved_index_gives_equal_hits(tmp_path_factory: pytest.TempPathFactory, seed: int, count: int) -> None:
    path = tmp_path_factory.mktemp("vectors") / "vectors.faiss"
    rows = list(range(count, 2 * count))
    index = VectorIndex.build(rows, unit_vectors(seed, count))
    sha256 = index.save(path)
    assert hashlib.sha256(path.read_bytes()).hexdigest() == sha256
    loaded = VectorIndex.load(path, sha256)
    assert loaded is not None
    query = unit_vectors(seed + 1, 1)[0]
    assert loaded.search(query, 10) == index.search(query, 10)
    assert loaded.search(query, 10, rows[::2]) == index.search(query, 10, rows[::2])
    assert [found.name for found in path.parent.iterdir()] == ["vectors.faiss"]


def saved(folder: Path) -> tuple[Path, str]:
    path = folder / "vectors.faiss"
    return path, VectorIndex.build(range(20), unit_vectors(3, 20)).save(path)


@pytest.mark.parametrize("position", [0, 5, 40, -1])
def test_a_file_with_a_changed_byte_is_not_loaded(tmp_path: Path, position: int) -> None:
    path, sha256 = saved(tmp_path)
    content = bytearray(path.read_bytes())
    content[position] ^= 1
    path.write_bytes(content)
    assert VectorIndex.load(path, sha256) is None


def test_a_shorter_longer_or_missing_file_is_not_loaded(tmp_path: Path) -> None:
    path, sha256 = saved(tmp_path)
    content = path.read_bytes()
    for other in (content[:-1], content[: len(content) // 2], b"", content + b"\0"):
        path.write_bytes(other)
        assert VectorIndex.load(path, sha256) is None
    path.unlink()
    assert VectorIndex.load(path, sha256) is None
    path.mkdir()
    assert VectorIndex.load(path, sha256) is None


def test_saving_replaces_the_file_at_once(tmp_path: Path) -> None:
    path, first = saved(tmp_path)
    with path.open("rb") as reader:
        second = VectorIndex.build([1], unit_vectors(4, 1)).save(path)
        assert hashlib.sha256(reader.read()).hexdigest() == first
    assert VectorIndex.load(path, first) is None
    assert VectorIndex.load(path, second) is not None
