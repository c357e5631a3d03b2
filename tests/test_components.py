"""Each component says what it was given, to eyes and to screen readers, in every state."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

import pytest
from flask import Flask, render_template_string
from flask_wtf import FlaskForm
from jinja2 import UndefinedError
from wtforms import (
    BooleanField,
    DateField,
    DecimalField,
    Field,
    FileField,
    PasswordField,
    RadioField,
    SelectChoice,
    SelectField,
    SelectMultipleField,
    StringField,
    TextAreaField,
)  # fmt: skip
from wtforms.validators import InputRequired

from ambassadors.models import AmbassadorStatus
from campaigns.models import CampaignStatus
from core import charts, clock, flat_charts
from core.db import db
from referrals.models import CodeStatus, PurchaseStatus, RedemptionState, RefundState
from rewards.models import EntryKind
from tests.conftest import NOW, MakeApp

PARTS = {
    "forms": "field, money_field, submit, csrf, error_summary, post_button, button_link, choice",
    "tables": "table, amount_cell, number_cell, percent_cell, pager, filters, chips",
    "tiles": "tiles, tile, money_tile",
    "pills": "pill, coin, benefit, looks",
    "empty": "empty",
    "define": "define",
    "timeline": "timeline, moment_item",
    "facts": "facts",
    "money": "money, signed, money_path",
    "people": "avatar, avatars, person",
    "sharing": "copy_button, code_card, code_line, why, mention",
    "feedback": "note, toast, confirm, job",
    "charts": "chart, spark, legend",
    "page": "page_head, panel_head, period",
    "brand": "brand, rings",
    "icons": "icon",
    "chrome": "language_links, theme_form, account_menu",
}
IMPORTS = "".join(f'{{% from "components/{p}.html" import {m} %}}' for p, m in PARTS.items())


class Sample(FlaskForm):  # type: ignore[misc]
    """One field of each kind."""

    name = StringField("Name", [InputRequired("Give it a name.")], description="Shown to all.")
    kind = SelectField(
        "Kind", choices=[SelectChoice("a", "Customer"), SelectChoice("b", "Partner")]
    )
    goal = RadioField(
        "Goal", choices=[SelectChoice("a", "Acquisition")], validators=[InputRequired("Choose.")]
    )
    circles = SelectMultipleField(
        "Circles", choices=[SelectChoice("a", "VIP"), SelectChoice("b", "Beta")]
    )
    budget = DecimalField("Budget")
    starts = DateField("Starts on")
    brief = TextAreaField("Brief")
    secret = PasswordField("Password")
    file = FileField("File")
    agree = BooleanField("Codes are made")


@pytest.fixture
def house(make_app: MakeApp) -> Iterator[Flask]:
    """The application on SQLite: a page's look does not depend on the database."""
    app = make_app("sqlite")
    with clock.frozen(NOW), app.app_context():
        yield app
        db.session.rollback()
        db.session.remove()


def shown(app: Flask, source: str, *, path: str = "/", **values: Any) -> str:
    """Return what a piece of template with all components imported prints."""
    with app.app_context(), app.test_request_context(path):  # a `g` of its own
        return render_template_string(IMPORTS + source, **values)


def sample(app: Flask, data: dict[str, str] | None = None) -> Sample:
    with app.test_request_context("/", method="POST" if data is not None else "GET", data=data):
        form = Sample(meta={"csrf": False})
        if data is not None:
            form.validate()
        return form


def test_a_name_that_nobody_passed_is_an_error(house: Flask) -> None:
    with pytest.raises(UndefinedError):
        shown(house, "{{ forgotten }}")


def test_a_wrong_field_says_so_and_is_tied_to_its_input(house: Flask) -> None:
    html = shown(house, "{{ field(form.name) }}", form=sample(house, {"name": ""}))
    assert 'aria-invalid="true"' in html
    assert 'aria-describedby="name-help name-error"' in html
    assert 'id="name-error">Give it a name.' in html
    assert 'id="name-help">Shown to all.' in html


def test_the_summary_of_errors_links_to_each_field(house: Flask) -> None:
    form = sample(house, {"name": "", "kind": "a"})
    html = shown(house, "{{ error_summary(form) }}{{ field(form.goal) }}", form=form)
    assert '<a href="#name">Name: Give it a name.</a>' in html
    assert '<a href="#goal">Goal: Choose.</a>' in html
    assert 'id="goal"' in html
    assert shown(house, "{{ error_summary(form) }}", form=sample(house)) == ""


@pytest.mark.parametrize("name", ["name", "kind", "goal", "circles", "budget", "starts", "brief",
                                  "secret", "file", "agree"])  # fmt: skip
def test_every_kind_of_field_has_a_label_of_its_own(house: Flask, name: str) -> None:
    form = sample(house)
    chosen: Field = form[name]
    html = shown(house, "{{ field(f) }}", f=chosen)
    assert chosen.label.text in html
    inputs = re.findall(r'<(?:input|select|textarea)[^>]*\sid="([^"]+)"', html)
    assert inputs
    assert all(f'for="{known}"' in html for known in inputs)


def test_money_is_typed_beside_its_currency(house: Flask) -> None:
    html = shown(house, '{{ money_field(f, "CHF") }}', f=sample(house).budget)
    assert 'inputmode="decimal"' in html
    assert ">CHF</span>" in html


def test_attributes_of_an_input_pass_through(house: Flask) -> None:
    html = shown(house, '{{ field(f, autocomplete="email") }}', f=sample(house).name)
    assert 'autocomplete="email"' in html


def test_a_sorted_head_turns_round_and_keeps_the_filters(house: Flask) -> None:
    source = (
        """{% call table("Codes", ["Code", ("Uses", "n", "uses")], sorted_by=way) %}"""
        "<tbody></tbody>{% endcall %}"
    )
    up = shown(house, source, path="/?q=zoe&cursor=x", way="uses")
    assert 'aria-sort="ascending"' in up
    assert 'href="/?q=zoe&amp;sort=-uses"' in up
    down = shown(house, source, path="/?q=zoe", way="-uses")
    assert 'aria-sort="descending"' in down
    assert "sort=uses" in down


def test_figures_stand_in_their_own_cells_and_zero_is_quiet(house: Flask) -> None:
    html = shown(house, '{{ amount_cell(560426, "CHF", "/x") }}{{ amount_cell(0, "CHF", "/x") }}'
                        "{{ number_cell(none) }}{{ percent_cell(0.286) }}")  # fmt: skip
    assert '<a href="/x">5,604.26</a>' in html
    assert '<span class="zero">0.00</span>' in html
    assert '<span class="zero">–</span>' in html
    assert "28.6\u202f%" in html


def test_the_pager_shows_only_ways_that_exist(house: Flask) -> None:
    assert shown(house, "{{ pager() }}") == ""
    html = shown(house, '{{ pager("/next", note="25 of 475") }}')
    assert 'rel="next"' in html
    assert 'rel="prev"' not in html


STATES: list[type[StrEnum]] = [
    AmbassadorStatus, CampaignStatus, CodeStatus, PurchaseStatus, RedemptionState, RefundState,
    EntryKind,
]  # fmt: skip


@pytest.mark.parametrize("kind", STATES)
def test_every_state_has_a_look_and_words(house: Flask, kind: type[StrEnum]) -> None:
    for state in kind:
        html = shown(house, "{{ state in looks }} {{ pill(state) }}", state=state)
        assert html.startswith("True"), state
        assert "_" not in re.sub(r"<[^>]*>", "", html)


def test_money_goes_where_the_language_puts_it(house: Flask) -> None:
    source = '{{ money_tile("CAC", 2918, "CHF") }}{{ signed(-120, "CHF") }}'
    english = shown(house, source, path="/?lang=en")
    assert english.index("CHF") < english.index("29.18")
    assert "− CHF" in english
    french = shown(house, source, path="/?lang=fr")
    assert french.index("29,18") < french.index("CHF")


SAID = [
    ('{{ empty("No code", "Why", "Make one", "/new") }}', ["No code", "Why", 'href="/new"']),
    ('{{ define("Name", "Meaning", "More") }}', ['aria-label="Name"', "Meaning", "More"]),
    (
        "{% call timeline() %}"
        '{{ moment_item("Closed", at, "by Marc", state="next") }}{% endcall %}',
        ['class="next"', 'datetime="2026-11-04T16:00:00+00:00"', "by Marc"],
    ),
    ('{{ facts([("Lines", "12"), ("Total", "30", "sum")]) }}', ["12", '<dd class="sum">30']),
    ('{{ money_path([("held", "Held", 100, "soon")], "CHF") }}', ["coin held", "1.00", "soon"]),
    ('{{ person("Zoé Roy", "zoe@example.com", "/p") }}', [">ZR<", "zoe@example.com", 'href="/p"']),
    ('{{ avatars(["A B"], 20) }}', [">AB<", "+20"]),
    ('{{ code_line("ZOE10") }}', ['data-copy="ZOE10"', 'aria-label="Copy ZOE10"']),
    (
        '{{ code_card("c", "Code", "ZOE10", "https://x.example/z", '
        'benefits=["15", ("Free", "truck")]) }}',
        ['data-share="https://x.example/z"', "#truck", ">15<"],
    ),
    ('{{ why("Because.") }}{{ mention("Publicité") }}', ["Because.", "Publicité"]),
    ('{{ note("Stop", "stop") }}', ['role="alert"', "note stop"]),
    ('{{ toast("Saved") }}{{ toast("No", "error") }}', ['role="status"', 'role="alert"']),
    ('{{ job("j", "Import", 1, 2, "1 of 2") }}', ['max="2" value="1"', 'aria-labelledby="j"']),
    ('{{ page_head("Title", "Lede") }}', ["<h1>Title</h1>", "Lede"]),
    ('{{ panel_head("p", "Panel", link="All", href="/all") }}', ['id="p"', 'href="/all"']),
    ('{{ period("May", [("June", "/june", true)]) }}', ['href="/june" aria-current="true"']),
    ('{{ chips([("All", "/", true), ("Some", "/some", false)]) }}', ['aria-current="true">All']),
    ('{{ icon("home", "Home") }}', ['role="img" aria-label="Home"', "#home"]),
    ('{{ brand("Givre", "Cercle") }}{{ rings() }}', ["Givre<small>Cercle", 'class="seat"']),
    ('{{ choice("perk", "1", "A pot", disabled=true) }}', ['type="radio"', " disabled"]),
    ('{{ button_link("/go", "Go", "quiet", small=true) }}', ["btn-quiet btn-sm", 'href="/go"']),
    (
        '{{ post_button("/do", "Do it", fields={"id": 7}) }}',
        ['method="post" action="/do"', 'name="csrf_token"', 'name="id" value="7"'],
    ),
    (
        '{% call confirm("ask", "Approve…", "Approve 31?", "/yes", "Yes") %}'
        "<p>Facts</p>{% endcall %}",
        ['popovertarget="ask"', 'id="ask-title">Approve 31?', "<p>Facts</p>", 'action="/yes"'],
    ),
]


@pytest.mark.parametrize(("source", "expected"), SAID)
def test_a_component_says_what_it_was_given(house: Flask, source: str, expected: list[str]) -> None:
    html = shown(house, source, at=datetime(2026, 11, 4, 16, tzinfo=UTC))
    for said in expected:
        assert said in html


def test_words_from_people_are_escaped(house: Flask) -> None:
    evil = '"><script>alert(1)</script>'
    html = shown(
        house,
        "{{ person(x) }}{{ code_line(x) }}{{ tile(x, x) }}{{ empty(x, x) }}{{ toast(x) }}",
        x=evil,
    )
    assert "<script>" not in html
    assert 'data-copy=""' not in html


def test_a_chart_carries_title_finding_three_sizes_and_its_table(house: Flask) -> None:
    figure = charts.stacked(
        "cost", ["May", "Jun"],
        [charts.Series("Tools", [5, 7], 2, is_hatched=True), charts.Series("Boxes", [1, 2], 3)],
        title="Cost of May and June", finding="It rose from 6 to 9.", head="Month",
    )  # fmt: skip
    html = shown(house, "{{ chart(figure) }}", figure=figure)
    assert html.count("<svg class=") == 3
    assert html.count('role="img"') == 3
    assert "It rose from 6 to 9." in html
    assert '<th scope="row">May</th>' in html
    ids = re.findall(r'\sid="([^"]+)"', html)
    assert len(ids) == len(set(ids))
    assert set(re.findall(r"url\(#([^)]+)\)", html)) <= set(ids)


def test_a_chart_of_nothing_says_that_it_is_too_early(house: Flask) -> None:
    figure = charts.line("no", [], [charts.Series("A", [])], title="t", finding="f")
    assert "Too early" in shown(house, "{{ chart(figure) }}", figure=figure)


def test_a_spark_opens_its_figures(house: Flask) -> None:
    line = flat_charts.spark([41, 24], ["w1", "w2"], title="It falls.", is_watched=True)
    html = shown(house, '{{ spark(line, "s1") }}', line=line)
    assert 'class="spark watch"' in html
    assert '<th scope="row">w2</th><td>24</td>' in html
