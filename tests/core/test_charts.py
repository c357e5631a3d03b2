"""Charts stand where the figures say, and say what they cannot know."""

from __future__ import annotations

import itertools
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core import charts, flat_charts, scales
from core.charts import Band, Box, Chart, Disc, Drawing, Rule, Series, Shape, Word
from core.flat_charts import Bar, Range, RangeWords

MONTHS = ["May", "Jun", "Jul", "Aug"]
WORDS = RangeWords("observed gap", "estimate", "95 % interval", "not enough data", "no difference")


def wide(chart: Chart) -> Drawing:
    return next(drawing for drawing in chart.drawings if drawing.size == "wide")


def words_of(drawing: Drawing) -> list[str]:
    return [mark.text for mark in drawing.marks if isinstance(mark, Word)]


def boxes(drawing: Drawing) -> list[Box]:
    return [mark for mark in drawing.marks if isinstance(mark, Box)]


def share(**overrides: object) -> Chart:
    values: dict[str, object] = {
        "series": [Series("Tracked", [0.193, 0.221, 0.241, 0.286])],
        "title": "Share", "finding": "It rises.", "show": lambda v: f"{v:.0%}",
    }  # fmt: skip
    return charts.line("share", MONTHS, **values | overrides)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [
        (0, 0.286, [0, 0.1, 0.2, 0.3]),
        (0, 6667, [0, 2000, 4000, 6000, 8000]),
        (-300, 1000, [-500, 0, 500, 1000]),
        (0, 0, [0, 0.2, 0.4, 0.6, 0.8, 1.0]),
    ],
)
def test_ticks_are_round_and_span_the_values(
    low: float, high: float, expected: list[float]
) -> None:
    assert scales.ticks(low, high) == expected


def test_ticks_of_people_are_whole() -> None:
    assert scales.ticks(0, 2, is_whole=True) == [0, 1, 2]


@given(low=st.floats(-1e9, 1e9), span=st.floats(1e-3, 1e9), most=st.integers(3, 9))
def test_ticks_always_enclose_every_value_and_never_crowd(
    low: float, span: float, most: int
) -> None:
    high = low + span
    levels = scales.ticks(low, high, most=most)
    slack = 1e-6 * max(abs(low), abs(high), 1)
    assert levels[0] <= low + slack
    assert levels[-1] >= high - slack
    assert 2 <= len(levels) <= most
    gaps = {round(b - a, 6) for a, b in itertools.pairwise(levels)}
    assert max(gaps) - min(gaps) <= 1e-3 * max(gaps)


@given(st.lists(st.floats(0, 300), max_size=7), st.floats(1, 20))
def test_labels_pushed_apart_keep_their_order_and_distance(
    positions: list[float], gap: float
) -> None:
    placed = scales.spread(positions, gap)
    ordered = sorted(placed)
    assert all(b - a >= gap - 0.2 for a, b in itertools.pairwise(ordered))
    by_position = sorted(range(len(positions)), key=lambda i: positions[i])
    assert [placed[i] for i in by_position] == ordered


def test_a_line_is_drawn_in_three_sizes_with_axis_from_zero() -> None:
    figure = share()
    assert [drawing.size for drawing in figure.drawings] == ["wide", "mid", "narrow"]
    for drawing in figure.drawings:
        base = [m for m in drawing.marks if isinstance(m, Rule) and m.look == "base"]
        assert len(base) == 1
        assert {"0%", "10%", "20%", "30%"} <= set(words_of(drawing))


def test_points_stand_at_the_height_of_their_value() -> None:
    drawing = wide(share())
    points = [mark for mark in drawing.marks if isinstance(mark, Disc)]
    base = next(m for m in drawing.marks if isinstance(m, Rule) and m.look == "base").y1
    top = next(m.y for m in drawing.marks if isinstance(m, Word) and m.text == "30%") - 4
    for point, value in zip(points, [0.193, 0.221, 0.241, 0.286], strict=True):
        assert math.isclose(point.y, base + (top - base) * value / 0.3, abs_tol=0.2)


def test_a_missing_value_breaks_the_line_and_shows_as_a_dash_in_the_table() -> None:
    figure = share(series=[Series("Declared", [0.2, None, 0.3, 0.31], 2, "dash", "square")])
    lines = [m for m in wide(figure).marks if isinstance(m, Shape) and m.look.startswith("line")]
    assert [line.look for line in lines] == ["line k2 dash", "line k2 dash"]
    assert figure.rows[1] == ("Jun", "–")


def test_a_band_is_drawn_behind_the_lines_and_told_in_legend_and_table() -> None:
    band = Band("95 %", [0.17, 0.2, None, 0.26], [0.21, 0.24, None, 0.31])
    figure = share(band=band)
    marks = wide(figure).marks
    looks = [mark.look for mark in marks if isinstance(mark, Shape)]
    assert looks.index("band f1") < looks.index("line k1")
    assert figure.legend[-1].look == "band"
    assert figure.rows[0][-1] == "17% – 21%"
    assert figure.rows[2][-1] == "–"


def test_one_value_and_no_value_are_both_drawn_honestly() -> None:
    one = charts.line("one", ["May"], [Series("Tracked", [3])], title="t", finding="f", show=str)
    assert len(one.drawings) == 3
    none = charts.line("no", ["May"], [Series("Tracked", [None])], title="t", finding="f")
    assert none.drawings == ()
    assert none.rows == (("May", "–"),)


def test_parts_of_a_column_stack_without_gap_and_end_at_the_sum() -> None:
    parts = [Series("Discounts", [100, 200], 2, is_hatched=True), Series("Boxes", [300, 0], 3)]
    figure = charts.stacked("cost", ["May", "Jun"], parts, title="t", finding="f", show=str)
    drawn = boxes(wide(figure))
    assert len(drawn) == 3  # nothing is drawn for zero
    first, second = drawn[0], drawn[1]
    assert first.is_hatched
    assert math.isclose(second.y + second.height, first.y, abs_tol=0.11)
    assert math.isclose(second.height, first.height * 3, rel_tol=0.02)
    assert "400" in words_of(wide(figure))
    assert [key.look for key in figure.legend] == ["hatch", "box"]


def test_a_reversal_hangs_under_the_axis_and_lowers_the_sum() -> None:
    parts = [Series("Commissions", [500]), Series("Clawbacks", [-200], 6)]
    figure = charts.stacked("cost", ["May"], parts, title="t", finding="f", show=str)
    drawing = wide(figure)
    base = next(m for m in drawing.marks if isinstance(m, Rule) and m.look == "base").y1
    above, below = boxes(drawing)
    assert math.isclose(above.y + above.height, base, abs_tol=0.11)
    assert math.isclose(below.y, base, abs_tol=0.11)
    assert "300" in words_of(drawing)


@pytest.mark.parametrize("count", [1, 6, 12, 36])
def test_month_names_never_overlap(count: int) -> None:
    labels = [f"{i % 12 + 1:02d} 2026" for i in range(count)]
    values = list(range(1, count + 1))
    figure = charts.stacked("y", labels, [Series("Cost", values)], title="t", finding="f")
    for drawing in figure.drawings:
        axis = [m for m in drawing.marks if isinstance(m, Word) and m.y == drawing.height - 6]
        assert axis[-1].text == labels[-1]
        spans = [(m.x - scales.width(m.text) / 2, m.x + scales.width(m.text) / 2) for m in axis]
        assert spans[-1][1] <= drawing.width
        assert all(b[0] > a[1] for a, b in itertools.pairwise(spans))


def test_bars_are_as_long_as_their_values_from_one_edge() -> None:
    rows = [Bar("ZOE10", 100, "50 %"), Bar("CAMILLE15", 200)]
    figure = flat_charts.bars("b", rows, title="t", finding="f", value_head="Purchases")
    short, long = boxes(wide(figure))
    assert short.x == long.x == 0
    assert math.isclose(long.width, short.width * 2, rel_tol=0.01)
    assert figure.rows == (("ZOE10", "100", "50 %"), ("CAMILLE15", "200", ""))


def test_an_interval_that_holds_zero_is_grey_and_too_little_data_says_so() -> None:
    rows = [
        Range("Basket", 8, 5, 1.5, 8.5),
        Range("Frequency", 12, -1, -4, 2),
        Range("Churn", 3, None, None, None),
    ]
    figure = flat_charts.ranges("r", rows, title="t", finding="f", words=WORDS)
    discs = [mark.look for mark in wide(figure).marks if isinstance(mark, Disc)]
    assert discs == ["f1", "ring k2", "f7", "ring k2"]
    assert "not enough data" in words_of(wide(figure))
    assert figure.rows[2] == ("Churn", "3", "not enough data", "–")


def test_a_spark_keeps_its_values_behind_it() -> None:
    small = flat_charts.spark([41, 24], ["w1", "w2"], title="Falls.", usual=(34, 47))
    assert small.rows == (("w1", "41"), ("w2", "24"))
    band = next(mark for mark in small.marks if isinstance(mark, Box))
    end = next(mark for mark in small.marks if isinstance(mark, Disc))
    assert end.y > band.y + band.height  # below what is usual
    flat = flat_charts.spark([5, 5], ["a", "b"], title="Level.")
    assert all(math.isfinite(mark.y) for mark in flat.marks if isinstance(mark, Disc))


def test_an_axis_has_no_needless_decimals() -> None:
    def axis(values: list[float | None]) -> set[str]:
        drawn = charts.line(
            "cac", MONTHS[: len(values)], [charts.Series("CAC", values)], title="CAC",
            finding="", show=lambda minor: f"{minor / 100:,.2f}",
        )  # fmt: skip
        words = [mark for mark in drawn.drawings[2].marks if isinstance(mark, charts.Word)]
        return {word.text for word in words if word.anchor == "end"}

    assert {"0", "2,000", "4,000"} <= axis([0, 250_000, 480_000])
    assert {"0.50", "1.00"} <= axis([0, 100, 240])
