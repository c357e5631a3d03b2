"""`flask program`: shows every rule and changes some, all or none."""

from __future__ import annotations

from flask import Flask

from ambassadors import program


def _run(app: Flask, *words: str) -> tuple[int, str]:
    result = app.test_cli_runner().invoke(args=["program", *words])
    return result.exit_code, result.output


def test_a_rule_is_set_and_shown(app: Flask) -> None:
    code, text = _run(app, "set", "currency=GBP", "hold_days=0", "timezone=Europe/London")
    assert code == 0
    assert "currency=GBP" in text
    code, text = _run(app, "show")
    assert {"currency=GBP", "hold_days=0", "attribution_days=30"} <= set(text.splitlines())
    assert program.current().hold_days == 0


def test_a_wrong_rule_changes_nothing_and_exits_with_one(app: Flask) -> None:
    code, text = _run(app, "set", "currency=GBP", "hold_days=often")
    assert code == 1
    assert "hold_days" in text
    assert program.current().currency == "EUR"
    assert _run(app, "set", "currency")[0] == 2
