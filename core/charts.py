"""Charts as geometry: a report's rows in, the marks of three drawings out.

Each chart is drawn wide, mid and narrow, so that labels keep their size on any
screen; `templates/components/charts.html` prints the marks as SVG with classes of
`static/cercle.css`.  Every chart carries its title, its finding in a sentence, and
its figures as a table.  A series differs from another by dash and marker, not only
by colour; axes start at zero.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import ClassVar, Literal

from core.scales import Scale, every, spread, ticks, width

Size = Literal["wide", "mid", "narrow"]
Anchor = Literal["start", "middle", "end"]
Show = Callable[[float], str]

WIDTHS: dict[Size, int] = {"wide": 760, "mid": 480, "narrow": 330}
ABSENT = "–"
_ZEROS = re.compile(r"[.,]0{1,2}(?=\D*$)")  # a group of thousands has three digits


@dataclass(frozen=True, slots=True)
class Rule:
    """A straight line."""

    kind: ClassVar[str] = "rule"
    x1: float
    y1: float
    x2: float
    y2: float
    look: str


@dataclass(frozen=True, slots=True)
class Shape:
    """A path."""

    kind: ClassVar[str] = "shape"
    d: str
    look: str


@dataclass(frozen=True, slots=True)
class Box:
    """A rectangle, hatched when its figure is estimated or counted apart."""

    kind: ClassVar[str] = "box"
    x: float
    y: float
    width: float
    height: float
    radius: float
    look: str
    is_hatched: bool = False


@dataclass(frozen=True, slots=True)
class Disc:
    """A circle."""

    kind: ClassVar[str] = "disc"
    x: float
    y: float
    r: float
    look: str


@dataclass(frozen=True, slots=True)
class Word:
    """A text."""

    kind: ClassVar[str] = "word"
    x: float
    y: float
    text: str
    anchor: Anchor = "start"
    look: str = ""


Mark = Rule | Shape | Box | Disc | Word


@dataclass(frozen=True, slots=True)
class Drawing:
    """One size of a chart."""

    size: Size
    width: int
    height: int
    marks: tuple[Mark, ...]


@dataclass(frozen=True, slots=True)
class Key:
    """One line of a legend; look is line, dash, dots, box, hatch, ring, disc or band."""

    name: str
    hue: int
    look: str


@dataclass(frozen=True, slots=True)
class Chart:
    """A figure ready to print; without drawings when there is nothing to draw."""

    name: str  # unique on its page, letters and dashes: ids begin with it
    title: str
    finding: str
    drawings: tuple[Drawing, ...]
    legend: tuple[Key, ...]
    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


@dataclass(frozen=True, slots=True)
class Series:
    """Values of one kind, one for each label; None where there is none."""

    name: str
    values: Sequence[float | None]
    hue: int = 1  # 1 to 7: colours of the stylesheet
    dash: Literal["", "dash", "dots"] = ""
    marker: Literal["circle", "square", "diamond"] = "circle"
    is_hatched: bool = False  # bars only


@dataclass(frozen=True, slots=True)
class Band:
    """A 95 % interval, one pair for each label; None where too little is known."""

    name: str
    low: Sequence[float | None]
    high: Sequence[float | None]
    hue: int = 1


@dataclass(frozen=True, slots=True)
class Frame:
    """The field of a drawing and its two scales."""

    size: Size
    width: int
    height: int
    left: float
    right: float
    y: Scale
    marks: list[Mark]

    def x(self, index: int, count: int) -> float:
        """Return the place of the i-th of `count` points, from edge to edge."""
        room = self.width - self.left - self.right
        share = index / (count - 1) if count > 1 else 0.5
        return round(self.left + room * share, 1)

    def slot(self, index: int, count: int) -> float:
        """Return the middle of the i-th of `count` equal slots."""
        room = self.width - self.left - self.right
        return round(self.left + room * (index + 0.5) / count, 1)

    def drawing(self) -> Drawing:
        return Drawing(self.size, self.width, self.height, tuple(self.marks))


def line(
    name: str, labels: Sequence[str], series: Sequence[Series], *, title: str, finding: str,
    show: Show = str, head: str = "", band: Band | None = None,
) -> Chart:  # fmt: skip
    """Draw one or several lines over the same labels.

    Args:
        name: Unique on the page.
        labels: Words of the horizontal axis, such as months.
        series: At least one; each as long as the labels.
        title: What and when.
        finding: The finding in a sentence with its figures.
        show: Formats a value for axis, line end and table.
        head: Head of the table's first column.
        band: A 95 % interval behind the lines.
    """
    values = _known(
        itertools.chain(*(s.values for s in series), *([band.low, band.high] if band else []))
    )
    drawings = (
        tuple(_line(size, labels, series, show, values, band) for size in WIDTHS) if values else ()
    )
    legend = tuple(Key(s.name, s.hue, s.dash or "line") for s in series)
    names = [s.name for s in series]
    rows = [[label, *(_cell(s.values[i], show) for s in series)] for i, label in enumerate(labels)]
    if band:
        legend += (Key(band.name, band.hue, "band"),)
        names.append(band.name)
        for i, row in enumerate(rows):
            row.append(_interval(band.low[i], band.high[i], show))
    return Chart(name, title, finding, drawings, legend, (head, *names), _rows(rows))


def stacked(
    name: str, labels: Sequence[str], series: Sequence[Series], *, title: str, finding: str,
    show: Show = str, head: str = "",
) -> Chart:  # fmt: skip
    """Draw columns of parts, one column a label; one series makes plain columns.

    Parts below zero, such as reversals, hang under the axis; the word over a column is its sum.
    Args are those of `line`.
    """
    has_any = any(_known(s.values) for s in series)
    drawings = tuple(_stacked(size, labels, series, show) for size in WIDTHS) if has_any else ()
    legend = tuple(Key(s.name, s.hue, "hatch" if s.is_hatched else "box") for s in series)
    rows = [[label, *(_cell(s.values[i], show) for s in series)] for i, label in enumerate(labels)]
    heads = (head, *(s.name for s in series))
    return Chart(
        name, title, finding, drawings, legend if len(series) > 1 else (), heads, _rows(rows)
    )


def frame(
    size: Size, height: int, low: float, high: float, show: Show, *, right: float, is_whole: bool
) -> Frame:
    """Return an empty field with its horizontal grid and the words of the vertical axis."""
    marks: list[Mark] = []
    levels = ticks(min(0, low), max(0, high), is_whole=is_whole)
    words = _round([show(int(level) if is_whole else level) for level in levels])
    left = max(width(word) for word in words) + 14
    y = Scale(levels[0], levels[-1], height - 28, 22)
    for level, word in zip(levels, words, strict=True):
        here = y.at(level)
        marks.append(Rule(left, here, WIDTHS[size] - right, here, "grid" if level else "base"))
        marks.append(Word(left - 8, here + 4, word, "end"))
    return Frame(size, WIDTHS[size], height, left, right, y, marks)


def _line(
    size: Size, labels: Sequence[str], series: Sequence[Series], show: Show,
    values: Sequence[float], band: Band | None,
) -> Drawing:  # fmt: skip
    ends = _ends(series, show) if size == "wide" else []
    right = max([18, *(width(text) + 24 for _, text, _ in ends)])
    height = 250 if size == "narrow" else 280
    field = frame(
        size, height, min(values), max(values), show, right=right, is_whole=_is_whole(values)
    )
    _name_axis(field, labels, lambda i: field.x(i, len(labels)))
    if band:
        field.marks.extend(_band(field, band))
    for one in series:
        field.marks.extend(_one_line(field, one))
    heights = spread([field.y.at(value) for value, _, _ in ends], 17)
    for (_, text, last), height_of in zip(ends, heights, strict=True):
        place = field.x(last, len(labels)) + 12
        field.marks.append(Word(place, height_of + 4, text, "start", "strong"))
    return field.drawing()


def _ends(series: Sequence[Series], show: Show) -> list[tuple[float, str, int]]:
    """Return the last known value of each line, its words and its index."""
    found = []
    for one in series:
        known = [(i, v) for i, v in enumerate(one.values) if v is not None]
        if known:
            last, value = known[-1]
            found.append(
                (value, f"{one.name} {show(value)}" if len(series) > 1 else show(value), last)
            )
    return found


def _one_line(field: Frame, one: Series) -> list[Mark]:
    count = len(one.values)
    points = [
        None if value is None else (field.x(i, count), field.y.at(value))
        for i, value in enumerate(one.values)
    ]
    runs = [list(run) for known, run in itertools.groupby(points, lambda p: p is not None) if known]
    marks: list[Mark] = [
        Shape(_path([p for p in run if p]), f"line k{one.hue} {one.dash}".strip()) for run in runs
    ]
    if count <= 40:  # more markers than that are a blot
        marks += [
            _marker(one.marker, x, y, f"ring k{one.hue}") for x, y in (p for p in points if p)
        ]
    return marks


def _band(field: Frame, band: Band) -> list[Mark]:
    count = len(band.low)
    pairs = [
        (field.x(i, count), field.y.at(low), field.y.at(high))
        for i, (low, high) in enumerate(zip(band.low, band.high, strict=True))
        if low is not None and high is not None
    ]
    if not pairs:
        return []
    there = [(x, high) for x, _, high in pairs]
    back = [(x, low) for x, low, _ in reversed(pairs)]
    return [Shape(_path(there + back) + "Z", f"band f{band.hue}")]


def _stacked(size: Size, labels: Sequence[str], series: Sequence[Series], show: Show) -> Drawing:
    columns = [[one.values[i] or 0 for one in series] for i in range(len(labels))]
    tops = [sum(v for v in column if v > 0) for column in columns]
    bottoms = [sum(v for v in column if v < 0) for column in columns]
    is_whole = _is_whole([v for column in columns for v in column])
    height = 280 if size == "narrow" else 300
    field = frame(size, height, min(bottoms), max(tops), show, right=8, is_whole=is_whole)
    count = len(labels)
    slot = (field.width - field.left - field.right) / max(count, 1)
    bar = round(min(slot * 0.62, 64), 1)
    sums = [show(sum(column)) for column in columns]
    has_room = every(sums, slot * count) == 1
    for i, column in enumerate(columns):
        middle = field.slot(i, count)
        field.marks.extend(_column(field, middle - bar / 2, bar, column, series))
        if has_room and tops[i]:
            field.marks.append(Word(middle, field.y.at(tops[i]) - 7, sums[i], "middle", "strong"))
    _name_axis(field, labels, lambda i: field.slot(i, count))
    return field.drawing()


def _column(
    field: Frame, x: float, bar: float, column: Sequence[float], series: Sequence[Series]
) -> list[Mark]:
    marks: list[Mark] = []
    above = below = 0.0
    for value, one in zip(column, series, strict=True):
        if value > 0:
            start, above = above, above + value
        else:
            start, below = below, below + value
        if value:
            edges = sorted((field.y.at(start), field.y.at(start + value)))
            tall = round(edges[1] - edges[0], 1)
            look = f"bar f{one.hue}"
            marks.append(Box(round(x, 1), edges[0], bar, tall, 2, look, one.is_hatched))
    return marks


def _name_axis(field: Frame, labels: Sequence[str], place: Callable[[int], float]) -> None:
    step = every(labels, field.width - field.left - field.right)
    last = len(labels) - 1
    for i, label in enumerate(labels):
        if (last - i) % step == 0:  # counted from the end, so the newest is always named
            half = width(label) / 2
            middle = min(max(place(i), half), field.width - half)
            field.marks.append(Word(round(middle, 1), field.height - 6, label, "middle"))


def _marker(kind: str, x: float, y: float, look: str) -> Mark:
    if kind == "square":
        return Shape(f"M{x - 4:.1f} {y - 4:.1f}h8v8h-8Z", look)
    if kind == "diamond":
        return Shape(f"M{x} {y - 5.6:.1f}l5.6 5.6l-5.6 5.6l-5.6 -5.6Z", look)
    return Disc(x, y, 4.5, look)


def _path(points: Sequence[tuple[float, float]]) -> str:
    return "M" + "L".join(f"{x:g} {y:g}" for x, y in points)


def _round(words: Sequence[str]) -> list[str]:
    """Return the words of an axis without decimals where all of them are zero: 2,500, not .00."""
    short = [_ZEROS.sub("", word) for word in words]
    is_needless = all(a != b for a, b in zip(words, short, strict=True))
    return short if is_needless else list(words)


def _known(values: Sequence[float | None] | itertools.chain[float | None]) -> list[float]:
    return [value for value in values if value is not None]


def _is_whole(values: Sequence[float]) -> bool:
    return all(isinstance(value, int) for value in values)


def _cell(value: float | None, show: Show) -> str:
    return ABSENT if value is None else show(value)


def _interval(low: float | None, high: float | None, show: Show) -> str:
    return ABSENT if low is None or high is None else f"{show(low)} – {show(high)}"


def _rows(rows: Sequence[Sequence[str]]) -> tuple[tuple[str, ...], ...]:
    return tuple(tuple(row) for row in rows)
