"""Transfers at Stripe, against a server that fails in every way we know of."""

from __future__ import annotations

import dataclasses
import socket
from collections.abc import Iterator

import pytest

from core import config
from integrations import stripe_transfers
from integrations.stripe_transfers import LostAnswer, Refused, TransferOrder, Transfers
from tests.factories import must
from tests.fake_stripe import FakeStripe, Fault, serving

ORDER = TransferOrder(
    key="payout:7:1", amount=1250, currency="EUR", destination_account="acct_7",
    transfer_group="payout:7", description="Cercle, March 2026",
)  # fmt: skip


@pytest.fixture
def fake() -> Iterator[FakeStripe]:
    yield from serving()


def at(url: str, *, time_limit: float = 5.0) -> Transfers:
    settings = dataclasses.replace(
        config.load(), stripe_secret_key="sk_test_x", stripe_api_base=url
    )
    return must(stripe_transfers.transfers(settings, time_limit=time_limit))


def test_a_transfer_says_whom_how_much_in_which_group_and_for_what(fake: FakeStripe) -> None:
    sent = at(fake.url).send(ORDER)
    assert (sent.amount, sent.currency, sent.destination) == (1250, "EUR", "acct_7")
    assert (sent.transfer_group, sent.reversed) == ("payout:7", False)
    (there,) = fake.transfers
    assert there["id"] == sent.id
    assert there["metadata"] == {"cercle_key": "payout:7:1"}
    assert there["description"] == "Cercle, March 2026"
    assert fake.books.calls == [("POST", "/v1/transfers", "payout:7:1")]


def test_the_same_order_twice_is_one_transfer(fake: FakeStripe) -> None:
    stripe = at(fake.url)
    assert stripe.send(ORDER) == stripe.send(ORDER)
    assert len(fake.transfers) == 1


def test_a_definite_no_tells_its_reason_and_code(fake: FakeStripe) -> None:
    fake.faults["acct_7"] = [Fault.REFUSE]
    stripe = at(fake.url)
    for _ in range(2):  # the no is kept under the key
        with pytest.raises(Refused, match="capabilities") as refused:
            stripe.send(ORDER)
        assert refused.value.code == "insufficient_capabilities_for_transfer"
    assert fake.transfers == []


@pytest.mark.parametrize(
    ("fault", "was_done"),
    [
        (Fault.HANG, False), (Fault.HANG_AFTER, True), (Fault.BROKEN, False), (Fault.CUT, True),
        (Fault.BUSY, False), (Fault.LOCKED_OUT, False), (Fault.GARBLED, True),
    ],
)  # fmt: skip
def test_what_says_nothing_of_the_order_is_a_lost_answer_after_one_call(
    fake: FakeStripe, fault: Fault, was_done: bool
) -> None:
    fake.faults["acct_7"] = [fault]
    stripe = at(fake.url, time_limit=0.2)
    with pytest.raises(LostAnswer):
        stripe.send(ORDER)
    assert len(fake.books.calls) == 1
    assert len(fake.transfers) == was_done
    assert [one.id for one in at(fake.url).find("payout:7")] == [
        one["id"] for one in fake.transfers
    ]


def test_a_key_that_was_used_with_other_words_is_a_lost_answer(fake: FakeStripe) -> None:
    stripe = at(fake.url)
    stripe.send(ORDER)
    with pytest.raises(LostAnswer, match="IdempotencyError"):
        stripe.send(dataclasses.replace(ORDER, amount=1251))


def test_nobody_at_the_other_end_is_a_lost_answer() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        stripe = at(f"http://127.0.0.1:{taken.getsockname()[1]}")
        with pytest.raises(LostAnswer):
            stripe.send(ORDER)
        with pytest.raises(LostAnswer):
            stripe.find("payout:7")


def test_a_search_reads_every_page_of_one_group_only(fake: FakeStripe) -> None:
    stripe = at(fake.url)
    for number in range(103):
        stripe.send(dataclasses.replace(ORDER, key=f"payout:7:{number}"))
    stripe.send(dataclasses.replace(ORDER, key="payout:8:1", transfer_group="payout:8"))
    assert len(stripe.find("payout:7")) == 103
    assert len(stripe.find("payout:8")) == 1
    assert stripe.find("payout:9") == []


def test_a_search_that_fails_never_says_that_nothing_is_there(fake: FakeStripe) -> None:
    fake.faults["transfers"] = [Fault.REFUSE, Fault.BROKEN, Fault.CUT]
    stripe = at(fake.url)
    for _ in range(3):
        with pytest.raises(LostAnswer):
            stripe.find("payout:7")


@pytest.mark.parametrize(
    ("currency", "amount", "told"),
    [("EUR", 1250, 1250), ("JPY", 1250, 1250), ("KWD", 1250, 1250), ("ISK", 12, 1200)],
)
def test_amounts_are_in_stripes_units_there_and_in_ours_here(
    fake: FakeStripe, currency: str, amount: int, told: int
) -> None:
    sent = at(fake.url).send(dataclasses.replace(ORDER, currency=currency, amount=amount))
    assert (fake.transfers[0]["amount"], fake.transfers[0]["currency"]) == (told, currency.lower())
    assert (sent.amount, sent.currency) == (amount, currency)


def test_an_amount_too_fine_for_stripe_is_refused_before_any_call(fake: FakeStripe) -> None:
    with pytest.raises(Refused):
        at(fake.url).send(dataclasses.replace(ORDER, currency="MGA", amount=1250))
    assert fake.books.calls == []


def test_without_a_key_only_the_demo_has_a_fake() -> None:
    bare = dataclasses.replace(config.load(), stripe_secret_key=None, mode="production")
    assert stripe_transfers.transfers(bare) is None
    fake = must(stripe_transfers.transfers(dataclasses.replace(bare, mode="demo")))
    sent = fake.send(ORDER)
    assert sent == fake.send(ORDER)
    assert fake.find("payout:7") == [sent]
    assert fake.find("payout:8") == []
