"""Charts that lie flat: horizontal bars, ranges with their uncertainty, and sparks.

The same marks and sizes as `core/charts.py`, which draws what stands upright.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from core.charts import (
    ABSENT,
    WIDTHS,
    Box,
    Chart,
    Disc,
    Drawing,
    Key,
    Mark,
    Rule,
    Shape,
    Show,
    Size,
    Word,
)  # fmt: skip
from core.scales import Scale, ticks, width


@dataclass(frozen=True, slots=True)
class Bar:
    """One bar: its name, value and, at the far end, a word such as the share of the one above."""

    name: str
    value: float
    note: str = ""


@dataclass(frozen=True, slots=True)
class Range:
    """An observed gap and its estimate with a 95 % interval; None when data are too few."""

    name: str
    observed: float | None
    estimate: float | None
    low: float | None
    high: float | None


@dataclass(frozen=True, slots=True)
class RangeWords:
    """The words of a range chart, translated by the caller."""

    observed: str
    estimate: str
    interval: str
    none: str  # too little data
    zero: str  # under the line of no difference


@dataclass(frozen=True, slots=True)
class Spark:
    """A line as small as a word, with the band of what is usual."""

    title: str
    marks: tuple[Mark, ...]
    is_watched: bool
    rows: tuple[tuple[str, str], ...]


def bars(
    name: str, rows: Sequence[Bar], *, title: str, finding: str, show: Show = str,
    head: str = "", value_head: str = "", hue: int = 1, reference: tuple[float, str] | None = None,
) -> Chart:  # fmt: skip
    """Draw horizontal bars from the same left edge, for names that are long.

    Args:
        name: Unique on the page.
        rows: The bars, in their order.
        title: What and when.
        finding: The finding in a sentence with its figures.
        show: Formats a value.
        head: Head of the table's first column.
        value_head: Head of the table's second column.
        hue: 1 to 7.
        reference: A value and its words, drawn as a dashed line.
    """
    drawings = tuple(_bars(size, rows, show, hue, reference) for size in WIDTHS) if rows else ()
    has_notes = any(row.note for row in rows)
    heads = (head, value_head, "") if has_notes else (head, value_head)
    table = tuple(
        (r.name, show(r.value), r.note) if has_notes else (r.name, show(r.value)) for r in rows
    )
    return Chart(name, title, finding, drawings, (), heads, table)


def ranges(
    name: str, rows: Sequence[Range], *, title: str, finding: str, words: RangeWords,
    show: Show = str, head: str = "",
) -> Chart:  # fmt: skip
    """Draw gaps with their estimate and interval; a row without an estimate says so.

    Args:
        name: Unique on the page.
        rows: What is compared.
        title: What and when.
        finding: The finding in a sentence with its figures.
        words: Names of the parts.
        show: Formats a gap.
        head: Head of the table's first column.
    """
    known = [v for r in rows for v in (r.observed, r.estimate, r.low, r.high) if v is not None]
    drawings = tuple(_ranges(size, rows, known, show, words) for size in WIDTHS) if known else ()
    legend = (
        Key(words.observed, 2, "ring"),
        Key(words.estimate, 1, "disc"),
        Key(words.interval, 1, "whisker"),
    )
    table = tuple(
        (r.name, _cell(r.observed, show), words.none if r.estimate is None else show(r.estimate),
         ABSENT if r.low is None or r.high is None else f"{show(r.low)} – {show(r.high)}")
        for r in rows
    )  # fmt: skip
    heads = (head, words.observed, words.estimate, words.interval)
    return Chart(name, title, finding, drawings, legend, heads, table)


def spark(
    values: Sequence[float], labels: Sequence[str], *, title: str, show: Show = str,
    usual: tuple[float, float] | None = None, is_watched: bool = False,
) -> Spark:  # fmt: skip
    """Draw a small line with its end marked.

    Args:
        values: At least two, oldest first.
        labels: One word for each value, for the table behind the line.
        title: The finding in a sentence, since the line has no axis.
        show: Formats a value.
        usual: The band of usual values, low and high.
        is_watched: Marks the end as something to look at.
    """
    low = min([*values, *(usual or ())])
    high = max([*values, *(usual or ())])
    x = Scale(0, max(len(values) - 1, 1), 4, 106)
    y = Scale(low, high if high > low else low + 1, 28, 4)
    marks: list[Mark] = []
    if usual:
        top, bottom = y.at(usual[1]), y.at(usual[0])
        marks.append(Box(0, top, 112, round(bottom - top, 1), 3, "norm"))
    points = [f"{x.at(i):g} {y.at(value):g}" for i, value in enumerate(values)]
    marks.append(Shape("M" + "L".join(points), "line"))
    marks.append(Disc(x.at(len(values) - 1), y.at(values[-1]), 3.5, "end"))
    rows = tuple((label, show(value)) for label, value in zip(labels, values, strict=True))
    return Spark(title, tuple(marks), is_watched, rows)


def _bars(
    size: Size, rows: Sequence[Bar], show: Show, hue: int, reference: tuple[float, str] | None
) -> Drawing:
    top = 20 if reference else 2
    values = [row.value for row in rows] + ([reference[0]] if reference else [])
    room = max(width(show(row.value)) for row in rows) + 14
    x = Scale(min(0, *values, 0), max(*values, 0) or 1, 0, WIDTHS[size] - room)
    marks: list[Mark] = []
    for i, row in enumerate(rows):
        y = top + i * 46
        start, end = sorted((x.at(0), x.at(row.value)))
        marks += [
            Word(0, y + 12, row.name, "start", "strong"),
            Box(start, y + 19, round(max(end - start, 2), 1), 14, 7, f"f{hue}"),
            Word(end + 8, y + 31, show(row.value), "start", "strong"),
        ]
        if row.note:
            marks.append(Word(WIDTHS[size], y + 12, row.note, "end"))
    height = top + 46 * len(rows) - 8
    if reference:
        here, half = x.at(reference[0]), width(reference[1]) / 2
        middle = min(max(here, half), WIDTHS[size] - half)
        line = Rule(here, 16, here, height, "base dash")
        marks = [line, Word(round(middle, 1), 11, reference[1], "middle"), *marks]
    return Drawing(size, WIDTHS[size], height, tuple(marks))


def _ranges(
    size: Size, rows: Sequence[Range], known: Sequence[float], show: Show, words: RangeWords
) -> Drawing:
    is_narrow = size != "wide"
    left = 8.0 if is_narrow else max(width(row.name) for row in rows) + 20
    each, top = (62, 34) if is_narrow else (54, 34)
    height = top + each * len(rows) + 6
    levels = ticks(min(0, *known), max(0, *known), most=4 if size == "narrow" else 7)
    x = Scale(levels[0], levels[-1], left, WIDTHS[size] - 20)
    marks: list[Mark] = []
    for level in levels:
        here = x.at(level)
        marks.append(Rule(here, top - 6, here, height, "grid" if level else "base"))
        text = show(level) if level else words.zero
        marks.append(Word(here, top - 14, text, "middle", "" if level else "strong"))
    for i, row in enumerate(rows):
        y = top + i * each + (40 if is_narrow else 26)
        place = (left, y - 20) if is_narrow else (0, y + 4)
        marks.append(Word(place[0], place[1], row.name, "start", "strong"))
        marks += _range(row, x, y, words.none)
    return Drawing(size, WIDTHS[size], height, tuple(marks))


def _range(row: Range, x: Scale, y: float, none: str) -> list[Mark]:
    if row.estimate is None or row.low is None or row.high is None:
        middle, half = (x.start + x.end) / 2, width(none) / 2 + 12
        return [
            Rule(x.start, y, x.end, y, "line k7 dots"),
            Box(round(middle - half, 1), y - 12, round(half * 2, 1), 24, 12, "ring k7"),
            Word(middle, y + 4, none, "middle", "strong"),
        ]
    hue = 1 if row.low > 0 or row.high < 0 else 7  # grey when the interval holds zero
    start, end, here = x.at(row.low), x.at(row.high), x.at(row.estimate)
    marks: list[Mark] = [
        Rule(start, y, end, y, f"line k{hue}"),
        Rule(start, y - 6, start, y + 6, f"line k{hue}"),
        Rule(end, y - 6, end, y + 6, f"line k{hue}"),
        Disc(here, y, 6.5, f"f{hue}"),
    ]
    if row.observed is not None:
        seen = x.at(row.observed)
        marks = [Rule(here, y, seen, y, "line k2 dots"), *marks, Disc(seen, y, 6, "ring k2")]
    return marks


def _cell(value: float | None, show: Show) -> str:
    return ABSENT if value is None else show(value)
