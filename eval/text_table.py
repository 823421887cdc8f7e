"""Tables for the terminal."""

from collections.abc import Collection, Sequence

Row = Sequence[str]


def aligned(rows: Sequence[Row], left: Collection[int] = (0,)) -> list[str]:
    """One line for each row, columns two spaces apart: those of `left` to the left, the others to the right.

    All rows have the same number of cells; columns are counted from 0.
    """
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return [
        "  ".join(
            cell.ljust(width) if column in left else cell.rjust(width)
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    ]


def titled(header: Row, rows: Sequence[Row]) -> str:
    """A table under its header, the rows indented by two spaces; all but the first column to the right."""
    return "\n".join(aligned([header, *([f"  {row[0]}", *row[1:]] for row in rows)]))
