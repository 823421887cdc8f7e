"""Vector search against NumPy brute force, and files that are trusted only by their digest."""

import hashlib
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path

import faiss
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from index import vectors
from index.types import VectorKind
from index.vectors import LEAST_TAIL, Block, VectorIndex, kind_for

DIMENSION = 16


def unit_vectors(seed: int, count: int, dimension: int = DIMENSION) -> NDArray[np.float32]:
    vectors = np.random.default_rng(seed).standard_normal((count, dimension)).astype(np.float32)
    unit: NDArray[np.float32] = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    return unit


def index_of(
    rows: Sequence[int],
    vectors: NDArray[np.float32],
    articles: Sequence[int] | None = None,
    kind: VectorKind | None = None,
) -> VectorIndex:
    """An index of vectors in rows that ascend; each is an article of its own unless it is said whose it is."""
    known = np.asarray(rows, dtype=np.int64)
    own = known if articles is None else np.asarray(articles, dtype=np.int64)

    def blocks() -> Iterator[Block]:
        half = len(known) // 2
        for part in (slice(0, half), slice(half, None)):
            yield known[part], own[part], vectors[part]

    def read(wanted: NDArray[np.int64]) -> NDArray[np.float32]:
        return vectors[np.searchsorted(known, wanted)]

    return VectorIndex.build(len(known), vectors.shape[1], blocks, read, kind)


def mask(rows: Collection[int]) -> NDArray[np.bool_]:
    """By row of an article, whether it is one of these."""
    allowed = np.zeros(max(rows, default=-1) + 1, dtype=np.bool_)
    allowed[list(rows)] = True
    return allowed


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
    rows=st.lists(st.integers(0, 10_000), unique=True, max_size=60).map(sorted),
    limit=st.integers(0, 80),
    data=st.data(),
)
def test_search_agrees_with_brute_force(seed: int, rows: list[int], limit: int, data: st.DataObject) -> None:
    vectors = unit_vectors(seed, len(rows))
    query = unit_vectors(seed + 1, 1)[0]
    allowed = data.draw(st.one_of(st.none(), st.sets(st.sampled_from([*rows, 20_000, 20_001]))))
    found = index_of(rows, vectors).search(query, limit, None if allowed is None else mask(allowed))
    expected = brute_force(rows, vectors, query, allowed)[:limit]
    assert [row for row, _ in found] == [row for row, _ in expected]
    np.testing.assert_allclose([cosine for _, cosine in found], [cosine for _, cosine in expected], atol=1e-5)


@given(seed=st.integers(0, 2**32 - 1), count=st.integers(1, 40))
def test_a_vector_is_its_own_nearest_neighbour(seed: int, count: int) -> None:
    vectors = unit_vectors(seed, count)
    index = index_of(range(100, 100 + count), vectors)
    for position, vector in enumerate(vectors):
        ((row, cosine),) = index.search(vector, 1)
        assert row == 100 + position
        assert cosine == pytest.approx(1, abs=1e-5)


def test_scores_are_cosines_and_higher_is_better() -> None:
    # Angles of 0, 60, 90 and 180 degrees.
    vectors = np.array([[1, 0], [0.5, 3**0.5 / 2], [0, 1], [-1, 0]], dtype=np.float32)
    found = index_of([1, 2, 3, 4], vectors).search(vectors[0], 4)
    assert [row for row, _ in found] == [1, 2, 3, 4]
    assert [cosine for _, cosine in found] == pytest.approx([1, 0.5, 0, -1], abs=1e-6)


def test_nothing_but_rows_that_are_there_is_returned() -> None:
    vectors = unit_vectors(1, 3)
    index = index_of([5, 6, 7], vectors)
    assert len(index.search(vectors[0], 1_000)) == 3
    assert index.search(vectors[0], 1_000, mask([])) == []
    assert index.search(vectors[0], 10, mask([8, 9])) == []
    assert [row for row, _ in index.search(vectors[0], 10, mask([9, 6, 8]))] == [6]
    assert index.search(vectors[0], 0) == index.search(vectors[0], -1) == []


def test_an_empty_index_finds_nothing() -> None:
    index = index_of([], np.zeros((0, DIMENSION), dtype=np.float32))
    assert index.search(unit_vectors(1, 1)[0], 5) == []


def test_equal_vectors_are_all_found() -> None:
    vector = unit_vectors(1, 1)[0]
    index = index_of(range(5), np.stack([vector] * 5))
    assert {row for row, _ in index.search(vector, 5)} == set(range(5))


@settings(max_examples=30)
@given(seed=st.integers(0, 2**32 - 1), count=st.integers(0, 30))
def test_a_saved_index_gives_equal_hits(tmp_path_factory: pytest.TempPathFactory, seed: int, count: int) -> None:
    path = tmp_path_factory.mktemp("vectors") / "vectors.faiss"
    rows = list(range(count, 2 * count))
    index = index_of(rows, unit_vectors(seed, count))
    sha256 = index.save(path)
    assert hashlib.sha256(path.read_bytes()).hexdigest() == sha256
    loaded = VectorIndex.load(path, sha256, index._read, index.details)
    assert loaded is not None
    query = unit_vectors(seed + 1, 1)[0]
    assert loaded.search(query, 10) == index.search(query, 10)
    assert loaded.search(query, 10, mask(rows[::2])) == index.search(query, 10, mask(rows[::2]))
    assert [found.name for found in path.parent.iterdir()] == ["vectors.faiss"]


def load(path: Path, sha256: str) -> VectorIndex | None:
    """The exact index of a file; it reads no vectors from elsewhere."""
    return VectorIndex.load(path, sha256, lambda rows: pytest.fail("read"), {"kind": "exact"})


def saved(folder: Path) -> tuple[Path, str]:
    path = folder / "vectors.faiss"
    return path, index_of(range(20), unit_vectors(3, 20)).save(path)


@pytest.mark.parametrize("position", [0, 5, 40, -1])
def test_a_file_with_a_changed_byte_is_not_loaded(tmp_path: Path, position: int) -> None:
    path, sha256 = saved(tmp_path)
    content = bytearray(path.read_bytes())
    content[position] ^= 1
    path.write_bytes(content)
    assert load(path, sha256) is None


def test_a_shorter_longer_or_missing_file_is_not_loaded(tmp_path: Path) -> None:
    path, sha256 = saved(tmp_path)
    content = path.read_bytes()
    for other in (content[:-1], content[: len(content) // 2], b"", content + b"\0"):
        path.write_bytes(other)
        assert load(path, sha256) is None
    path.unlink()
    assert load(path, sha256) is None
    path.mkdir()
    assert load(path, sha256) is None


def test_saving_replaces_the_file_at_once(tmp_path: Path) -> None:
    path, first = saved(tmp_path)
    with path.open("rb") as reader:
        second = index_of([1], unit_vectors(4, 1)).save(path)
        assert hashlib.sha256(reader.read()).hexdigest() == first
    assert load(path, first) is None
    assert load(path, second) is not None


def test_faiss_reads_the_file(tmp_path: Path) -> None:
    path, _ = saved(tmp_path)
    index = faiss.read_index(str(path))
    assert (index.ntotal, index.d) == (20, DIMENSION)


# Compressed forms


@pytest.fixture(scope="module")
def many() -> NDArray[np.float32]:
    """Vectors in clusters, as those of texts are, of as many numbers as the compressed form is made for."""
    source = np.random.default_rng(5)
    centres = unit_vectors(6, 60, 384)
    vectors = centres[source.integers(0, 60, 2_400)] + 0.8 * unit_vectors(7, 2_400, 384)
    unit: NDArray[np.float32] = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    return unit


@pytest.fixture(scope="module", params=["compressed", "partitioned"])
def compressed(request: pytest.FixtureRequest, many: NDArray[np.float32]) -> VectorIndex:
    return index_of(range(1, 2_401), many, np.arange(2_400) // 3, request.param)


@pytest.mark.parametrize("allowed", [None, range(0, 800, 2), range(100, 300), range(5), [7]])
def test_compressed_search_finds_the_nearest_with_their_exact_cosines(
    compressed: VectorIndex, many: NDArray[np.float32], allowed: Collection[int] | None
) -> None:
    found = total = 0
    rows, inside = list(range(1, 2_401)), None
    if allowed is not None:
        inside = {row for row in rows if (row - 1) // 3 in set(allowed)}
    for query in unit_vectors(8, 20, 384) + many[:20]:
        query /= np.linalg.norm(query)
        expected = brute_force(rows, many, query, inside)[:10]
        got = compressed.search(query, 10, None if allowed is None else mask(allowed))
        cosines = dict(brute_force(rows, many, query, None))
        assert all(cosine == pytest.approx(cosines[row], abs=1e-5) for row, cosine in got)
        assert [cosine for _, cosine in got] == sorted((cosine for _, cosine in got), reverse=True)
        found += len({row for row, _ in expected} & {row for row, _ in got})
        total += len(expected)
    assert found >= 0.98 * total


def test_a_compressed_index_says_what_it_finds(compressed: VectorIndex) -> None:
    assert compressed.details["passages"] == 2_400
    assert 0.95 <= float(compressed.details["recall_at_10"]) <= 1
    assert int(compressed.details["queries"]) > 10


def test_as_many_parts_are_searched_as_the_recall_needs(
    many: NDArray[np.float32], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(vectors, "PARTS_PER_ROOT", 0.1)  # four parts, each of more vectors than are scored again
    monkeypatch.setattr(vectors, "SEARCHED_SHARES", (0.25, 1.0))
    monkeypatch.setattr(vectors, "ENOUGH_RECALL", 0.0)
    few = index_of(range(2_400), many, kind="partitioned")
    assert few.details["searched_share"] == 0.25
    found = float(few.details["recall_at_10"])
    assert found < 0.99
    monkeypatch.setattr(vectors, "ENOUGH_RECALL", found + 0.001)
    enough = index_of(range(2_400), many, kind="partitioned")
    assert enough.details["searched_share"] == 1.0
    assert float(enough.details["recall_at_10"]) > found


def test_a_saved_compressed_index_gives_equal_hits(
    tmp_path: Path, compressed: VectorIndex, many: NDArray[np.float32]
) -> None:
    sha256 = compressed.save(tmp_path / "vectors")
    loaded = VectorIndex.load(tmp_path / "vectors", sha256, compressed._read, compressed.details)
    assert loaded is not None
    assert loaded.search(many[3], 30) == compressed.search(many[3], 30)
    assert (tmp_path / "vectors").stat().st_size < 0.3 * many.nbytes


def test_the_same_vectors_give_the_same_index(tmp_path: Path, many: NDArray[np.float32]) -> None:
    digests = {
        index_of(range(2_000), many[:2_000], kind="compressed").save(tmp_path / str(number)) for number in range(2)
    }
    assert len(digests) == 1


@pytest.mark.parametrize(
    ("count", "kind"), [(0, "exact"), (50_000, "exact"), (50_001, "compressed"), (300_001, "partitioned")]
)
def test_the_kind_follows_the_number(count: int, kind: str) -> None:
    assert kind_for(count) == kind


def test_too_few_vectors_are_searched_exactly_whatever_is_asked_for(many: NDArray[np.float32]) -> None:
    assert index_of(range(100), many[:100], kind="compressed").details["kind"] == "exact"


# Changes


@settings(max_examples=40)
@given(
    seed=st.integers(0, 1_000),
    steps=st.lists(st.tuples(st.sets(st.integers(0, 9), min_size=1), st.integers(0, 5)), max_size=6),
    kind=st.sampled_from(["exact", "compressed"]),
)
def test_an_index_that_was_brought_up_to_date_agrees_with_brute_force(
    seed: int, steps: list[tuple[set[int], int]], kind: VectorKind
) -> None:
    """Articles lose their passages and get new ones, in any order; rows are never used again."""
    all_vectors = unit_vectors(seed, 400)
    held = {row: row % 10 for row in range(40)}
    index = index_of(list(held), all_vectors[:40], list(held.values()), kind)
    following = 40
    for changed, count in steps:
        held = {row: article for row, article in held.items() if article not in changed}
        new = {following + number: sorted(changed)[number % len(changed)] for number in range(count)}
        following += count
        held |= new
        rows, articles = np.array(list(new), dtype=np.int64), np.array(list(new.values()), dtype=np.int64)
        index.update(changed, [(rows, articles, all_vectors[rows])] if new else [])
    query = unit_vectors(seed + 1, 1)[0]
    assert len(index) == len(held)
    for allowed in (None, {1, 2, 3}):
        expected = brute_force(
            list(range(400)),
            all_vectors,
            query,
            {row for row, article in held.items() if allowed is None or article in allowed},
        )
        found = index.search(query, 12, None if allowed is None else mask(allowed))
        assert [row for row, _ in found] == [row for row, _ in expected[:12]]


def test_an_index_is_outgrown_when_much_came_or_went() -> None:
    vectors = unit_vectors(1, LEAST_TAIL + 100)
    index = index_of(range(50), vectors)
    assert not index.is_outgrown
    rows = np.arange(50, LEAST_TAIL + 100)
    index.update([], [(rows[:10], rows[:10], vectors[50:60])])
    assert not index.is_outgrown
    index.update([], [(rows[10:], rows[10:], vectors[60:])])
    assert index.is_outgrown


def test_what_a_filter_lets_through_is_found_however_far_it_is() -> None:
    """Two clusters; the question lies in one, the filter lets only the other through."""
    near, far = unit_vectors(11, 2, 384)
    spread = 0.3 * unit_vectors(12, 4_000, 384)
    clusters = np.concatenate([near + spread[:2_000], far + spread[2_000:]])
    clusters /= np.linalg.norm(clusters, axis=1, keepdims=True)
    index = index_of(range(4_000), clusters, kind="partitioned")
    allowed = set(range(2_000, 4_000))
    expected = {row for row, _ in brute_force(list(range(4_000)), clusters, near, allowed)[:10]}
    found = {row for row, _ in index.search(near, 10, mask(allowed))}
    assert len(found) == 10
    assert len(found & expected) >= 9
