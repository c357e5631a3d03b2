"""The program's rules: told as texts, all or none, and written down."""

from __future__ import annotations

import pytest
import sqlalchemy as sa
from flask import Flask

from accounts.models import AuditLine
from ambassadors import program
from ambassadors.models import Touch
from core.db import db
from core.errors import InvalidInputError
from tests.factories import make_ambassador


def test_rules_are_read_from_texts_and_the_version_grows(app: Flask) -> None:
    before = program.current().rule_version
    program.set_rules(
        {"minimum_payout": "5.250", "currency": "kwd", "attribution_touch": "first",
         "lifetime_binding": "yes", "allowed_hosts": " Blog.example  shop.example"}
    )  # fmt: skip
    rules = program.current()
    assert (rules.currency, rules.minimum_payout) == ("KWD", 5250)
    assert rules.attribution_touch is Touch.FIRST
    assert rules.lifetime_binding
    assert rules.allowed_hosts == ("blog.example", "shop.example")
    assert rules.rule_version == before + 1
    line = db.session.scalars(sa.select(AuditLine)).one()
    assert line.act == "program.change"
    assert line.details["before"]["currency"] == "EUR"


def test_what_the_rules_say_can_be_told_again(app: Flask) -> None:
    version = program.current().rule_version
    program.set_rules(program.texts())
    assert program.current().rule_version == version
    assert db.session.scalars(sa.select(AuditLine)).all() == []


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("colour", "blue"),
        ("name", ""),
        ("currency", "EURO"),
        ("timezone", "Mars/Olympus"),
        ("timezone", "../../etc/passwd"),
        ("timezone", "Europe"),
        ("locale", "de"),
        ("shop_url", "http://shop.example"),
        ("shop_url", "https://user@shop.example"),
        ("allowed_hosts", "https://shop.example"),
        ("allowed_hosts", "shop.example:443"),
        ("attribution_days", "-1"),
        ("attribution_days", "3651"),
        ("attribution_days", "1.5"),
        ("attribution_touch", "middle"),
        ("lifetime_binding", "perhaps"),
        ("minimum_payout", "-1"),
        ("minimum_payout", "NaN"),
        ("minimum_payout", "0.001"),
        ("velocity_orders", "-1"),
        ("shared_ip_customers", "many"),
        ("disposable_domains", "@trash.example"),
        ("sepa_name", "x" * 71),
        ("sepa_iban", "FR00"),
        ("sepa_bic", "BANK"),
    ],
)
def test_a_rule_that_cannot_be_changes_nothing(app: Flask, name: str, text: str) -> None:
    before = program.texts()
    with pytest.raises(InvalidInputError):
        program.set_rules({"hold_days": "7", name: text})
    assert program.texts() == before


def test_a_redirect_may_lead_to_the_shop_and_to_the_hosts_named_beside_it(app: Flask) -> None:
    program.set_rules({"shop_url": "https://shop.example/fr", "allowed_hosts": "blog.example"})
    assert program.current().redirect_hosts == {"shop.example", "blog.example"}


def test_the_currency_stays_once_somebody_can_earn_in_it(app: Flask) -> None:
    program.set_rules({"currency": "GBP"})
    make_ambassador()
    program.set_rules({"currency": "GBP", "hold_days": "10"})
    with pytest.raises(InvalidInputError, match="The currency stays"):
        program.set_rules({"currency": "EUR"})


def test_the_account_that_pays_is_kept_in_its_normal_form(app: Flask) -> None:
    told = {"sepa_name": "Maison Cercle", "sepa_iban": "fr14 2004 1010 0505 0001 3m02 606"}
    program.set_rules(told | {"sepa_bic": "psstfrpp"})
    rules = program.current()
    assert (rules.sepa_name, rules.sepa_iban, rules.sepa_bic) == (
        "Maison Cercle", "FR1420041010050500013M02606", "PSSTFRPP",
    )  # fmt: skip
    program.set_rules({"sepa_iban": "", "sepa_bic": ""})
    assert program.current().sepa_iban == ""
