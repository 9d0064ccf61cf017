"""The layout of the drawing of a network: columns by depth, lanes for branches, rows that wrap as in a text."""

from collections.abc import Mapping, Sequence

Wiring = Mapping[str, Sequence[str]]  # layer name -> names of the layers it reads
Position = tuple[int, int, int, int]  # row, column, lane, lanes in that column; the first three count from 0


def positions(wiring: Wiring, columns: int) -> dict[str, Position]:
    """The position of every layer of `wiring`, at most `columns` in a row.

    `wiring` lists every layer after those that it reads. A row ends where a single arrow leads on, so that branches
    stay in one row, unless they are longer than a row.
    """
    depths = depth(wiring)
    levels: list[list[str]] = [[] for _ in range(max(depths.values()) + 1)]
    for name in wiring:
        levels[depths[name]].append(name)
    layout: dict[str, Position] = {}
    for row, members in enumerate(_rows(_blocks(wiring, depths), columns)):
        for column, level in enumerate(members):
            for lane, name in enumerate(levels[level]):
                layout[name] = (row, column, lane, len(levels[level]))
    return layout


def depth(wiring: Wiring) -> dict[str, int]:
    """The number of layers on the longest path from an input to each layer."""
    depths: dict[str, int] = {}
    for name, reads in wiring.items():
        depths[name] = max((depths[read] + 1 for read in reads), default=0)
    return depths


def _blocks(wiring: Wiring, depths: Mapping[str, int]) -> list[list[int]]:
    """Depths in groups; a single arrow runs between two neighbouring groups."""
    crossing = [0] * (max(depths.values()) + 1)  # arrows that reach or pass each depth from before it
    for name, reads in wiring.items():
        for read in reads:
            for level in range(depths[read] + 1, depths[name] + 1):
                crossing[level] += 1
    blocks: list[list[int]] = []
    for level, arrows in enumerate(crossing):
        if arrows <= 1:
            blocks.append([])
        blocks[-1].append(level)
    return blocks


def _rows(blocks: Sequence[Sequence[int]], columns: int) -> list[list[int]]:
    """As few rows as `columns` allow, of similar lengths rather than full ones and a short one."""
    fewest = _filled(blocks, columns)
    candidates = (_filled(blocks, width) for width in range(1, columns))
    return next((rows for rows in candidates if len(rows) == len(fewest)), fewest)


def _filled(blocks: Sequence[Sequence[int]], width: int) -> list[list[int]]:
    rows: list[list[int]] = [[]]
    for block in blocks:
        if rows[-1] and len(rows[-1]) + len(block) > width:
            rows.append([])
        for level in block:
            if len(rows[-1]) == width:
                rows.append([])
            rows[-1].append(level)
    return rows
