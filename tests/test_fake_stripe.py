"""The Stripe of our tests does what Stripe does with keys, parameters and failures."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import requests

from core import clock
from tests import fake_stripe_checks as checks
from tests.fake_stripe import FakeStripe, Fault, serving, unfold

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
ORDER = {"amount": "1250", "currency": "eur", "destination": "acct_1", "transfer_group": "p1"}
Answer = tuple[int, dict[str, Any]]


@pytest.fixture
def fake() -> Iterator[FakeStripe]:
    with clock.frozen(NOW):
        yield from serving()


def post(
    fake: FakeStripe, form: dict[str, str], *, key: str = "k1", path: str = "transfers"
) -> Answer:
    headers = {"Authorization": "Bearer sk_test_x", "Idempotency-Key": key}
    answer = requests.post(f"{fake.url}/v1/{path}", form, headers=headers, timeout=5)
    return answer.status_code, answer.json()


def test_the_same_key_gives_the_frozen_answer_and_one_transfer(fake: FakeStripe) -> None:
    first = post(fake, ORDER)
    fake.transfers[0]["reversed"] = True
    assert first == post(fake, ORDER)
    assert first[0] == 200
    assert first[1]["reversed"] is False
    assert len(fake.transfers) == 1
    assert post(fake, ORDER, key="k2")[1]["id"] != first[1]["id"]


def test_a_key_with_other_parameters_is_an_idempotency_error(fake: FakeStripe) -> None:
    post(fake, ORDER)
    status, answer = post(fake, ORDER | {"amount": "1251"})
    assert (status, answer["error"]["type"]) == (400, "idempotency_error")
    assert len(fake.transfers) == 1


def test_a_key_is_forgotten_after_a_day(fake: FakeStripe) -> None:
    post(fake, ORDER)
    with clock.frozen(NOW + timedelta(hours=24, seconds=-1)):
        post(fake, ORDER)
    assert len(fake.transfers) == 1
    with clock.frozen(NOW + timedelta(hours=24)):
        post(fake, ORDER)
    assert len(fake.transfers) == 2


@pytest.mark.parametrize(("fault", "status"), [(Fault.BROKEN, 500), (Fault.REFUSE, 400)])
def test_a_failure_is_saved_under_its_key(fake: FakeStripe, fault: Fault, status: int) -> None:
    fake.faults["acct_1"] = [fault]
    assert post(fake, ORDER)[0] == status
    assert post(fake, ORDER)[0] == status
    assert fake.transfers == []
    assert post(fake, ORDER, key="k2")[0] == 200


@pytest.mark.parametrize(("fault", "status"), [(Fault.BUSY, 429), (Fault.LOCKED_OUT, 401)])
def test_an_answer_before_the_key_is_looked_at_is_not_saved(
    fake: FakeStripe, fault: Fault, status: int
) -> None:
    fake.faults["acct_1"] = [fault]
    assert post(fake, ORDER)[0] == status
    assert post(fake, ORDER)[0] == 200


def test_a_connection_that_is_cut_hides_a_success(fake: FakeStripe) -> None:
    fake.faults["acct_1"] = [Fault.CUT]
    with pytest.raises(requests.ConnectionError):
        post(fake, ORDER)
    assert len(fake.transfers) == 1
    assert post(fake, ORDER)[1]["id"] == fake.transfers[0]["id"]


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"amount": None}, "parameter_missing"), ({"currency": None}, "parameter_missing"),
        ({"destination": None}, "parameter_missing"), ({"to": "acct_2"}, "parameter_unknown"),
        ({"idempotency_key": "k"}, "parameter_unknown"), ({"amount": "12.5"}, "parameter_invalid"),
    ],
)  # fmt: skip
def test_unknown_missing_and_wrong_parameters_are_refused_and_keep_no_key(
    fake: FakeStripe, change: dict[str, str | None], code: str
) -> None:
    form = {name: value for name, value in (ORDER | change).items() if value is not None}
    status, answer = post(fake, form)
    assert (status, answer["error"]["code"]) == (400, code)
    assert fake.transfers == []
    assert post(fake, ORDER)[0] == 200


def test_stripes_own_description_is_checked_too() -> None:
    if not checks.SPEC.exists():
        pytest.skip("Stripe's OpenAPI is not beside this checkout (../shared/specs)")
    call = ("POST", "/v1/account_links")
    link = {
        "account": "acct_1", "type": "sideways", "refresh_url": "https://a.example",
        "return_url": "https://b.example",
    }  # fmt: skip
    assert checks._by_types(call, link) is None  # the library leaves it open
    problem = checks.problem(*call, link)
    assert problem is not None
    assert problem.name == "type"


def test_a_form_unfolds_to_what_it_says() -> None:
    assert unfold("a[b]=1&a[c][d]=2&e[0]=x&e[1]=y&f=") == {
        "a": {"b": "1", "c": {"d": "2"}}, "e": ["x", "y"], "f": "",
    }  # fmt: skip


def test_nobody_without_a_key_is_served(fake: FakeStripe) -> None:
    assert requests.get(f"{fake.url}/v1/transfers", timeout=5).status_code == 401
