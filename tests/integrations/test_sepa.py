"""The file for the bank: valid, exact, the same every time, or refused with every reason."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
import sepaxml
import xmlschema
from flask import Flask
from flask_babel import Babel
from hypothesis import given, settings
from hypothesis import strategies as st

from core import clock
from integrations import sepa
from integrations.sepa import CreditTransfer, Debtor, SepaError

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
DEBTOR = Debtor(name="Maison Cercle & Cie", iban="FR14 2004 1010 0505 0001 3M02 606")
ONE = CreditTransfer(
    key="payout-7", name="Zoé Müller", iban="DE89 3704 0044 0532 0130 00", amount=1250,
    remittance="Cercle, relevé de mars 2026",
)  # fmt: skip
SPACE = {"p": f"urn:iso:std:iso:20022:tech:xsd:{sepa.SCHEMA}"}
SCHEMA = Path(sepaxml.__file__).parent / "schemas" / f"{sepa.SCHEMA}.xsd"


@pytest.fixture(autouse=True)
def frame() -> Iterator[None]:
    app = Flask(__name__)
    Babel(app)
    with clock.frozen(NOW), app.test_request_context():
        yield


def make(*transfers: CreditTransfer, debtor: Debtor = DEBTOR, **more: Any) -> bytes:
    said: dict[str, Any] = {"execution_on": date(2026, 3, 3), "message_id": "batch-12"} | more
    return sepa.credit_transfer_file(debtor, transfers, **said)


def texts(body: bytes, path: str) -> list[str | None]:
    root = ElementTree.fromstring(body)  # noqa: S314  our own document
    return [node.text for node in root.findall(path, SPACE)]


def test_the_file_reads_back_as_what_was_asked() -> None:
    body = make(ONE, dataclasses.replace(ONE, key="payout-8", amount=99_999_999_999))
    xmlschema.XMLSchema(str(SCHEMA)).validate(body.decode())
    assert texts(body, ".//p:GrpHdr/p:MsgId") == ["batch-12"]
    assert texts(body, ".//p:GrpHdr/p:CreDtTm") == ["2026-03-01T12:00:00"]
    assert texts(body, ".//p:NbOfTxs") == ["2", "2"]
    assert texts(body, ".//p:CtrlSum") == ["1000000012.49"] * 2
    assert texts(body, ".//p:PmtInf/p:BtchBookg") == ["true"]
    assert texts(body, ".//p:ReqdExctnDt/p:Dt") == ["2026-03-03"]
    assert texts(body, ".//p:Dbtr/p:Nm") == ["Maison Cercle + Cie"]
    assert texts(body, ".//p:DbtrAcct//p:IBAN") == ["FR1420041010050500013M02606"]
    assert texts(body, ".//p:EndToEndId") == ["payout-7", "payout-8"]
    assert texts(body, ".//p:InstdAmt") == ["12.50", "999999999.99"]
    assert texts(body, ".//p:Cdtr/p:Nm") == ["Zoe Muller"] * 2
    assert texts(body, ".//p:CdtrAcct//p:IBAN") == ["DE89370400440532013000"] * 2
    assert texts(body, ".//p:Ustrd") == ["Cercle, releve de mars 2026"] * 2
    assert b'Ccy="EUR"' in body


def test_the_same_arguments_give_the_same_bytes() -> None:
    assert make(ONE) == make(ONE)
    with clock.frozen(datetime(2026, 4, 1, tzinfo=UTC)):
        assert make(ONE, created_at=NOW) == make(ONE, created_at=NOW)


def test_a_bank_is_named_by_its_bic_or_said_not_to_be() -> None:
    assert texts(make(ONE), ".//p:DbtrAgt//p:Othr/p:Id") == ["NOTPROVIDED"]
    named = make(ONE, debtor=dataclasses.replace(DEBTOR, bic="PSSTFRPPXXX"))
    assert texts(named, ".//p:DbtrAgt//p:BICFI") == ["PSSTFRPPXXX"]


def test_every_wrong_account_is_named_in_one_refusal() -> None:
    wrong = [dataclasses.replace(ONE, key=f"payout-{n}", iban=f"DE0{n}") for n in (2, 5)]
    with pytest.raises(SepaError) as refused:
        make(ONE, *wrong)
    assert refused.value.detail == (
        "No file was made. payout-2: the IBAN is not right; payout-5: the IBAN is not right"
    )
    assert [fault.pointer for fault in refused.value.faults] == [
        "/transfers/1/iban", "/transfers/2/iban",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"amount": 0}, "out of range"), ({"amount": -1}, "out of range"),
        ({"amount": 100_000_000_000}, "out of range"), ({"currency": "CHF"}, "euros only"),
        ({"name": "???"}, "name is missing"), ({"key": "x" * 36}, "id does not fit"),
        ({"key": "a//b"}, "id does not fit"), ({"key": "/a"}, "id does not fit"),
    ],
)  # fmt: skip
def test_what_no_bank_takes_is_refused(change: dict[str, Any], said: str) -> None:
    with pytest.raises(SepaError, match=said):
        make(dataclasses.replace(ONE, **change))


def test_a_payer_that_cannot_be_and_an_empty_file_are_refused() -> None:
    for change, said in (
        ({"iban": "FR00"}, "IBAN of who pays"), ({"name": " "}, "name of who pays"),
        ({"bic": "NOPE"}, "BIC of who pays"),
    ):  # fmt: skip
        with pytest.raises(SepaError, match=said):
            make(ONE, debtor=dataclasses.replace(DEBTOR, **change))
    with pytest.raises(SepaError, match="nothing to transfer"):
        make()
    with pytest.raises(SepaError, match="in the file twice"):
        make(ONE, ONE)
    with pytest.raises(SepaError, match="file's id"):
        make(ONE, message_id="x" * 36)


@given(st.text(max_size=300), st.integers(1, 140))
def test_any_text_folds_to_letters_that_banks_take(text: str, longest: int) -> None:
    folded = sepa.fold(text, longest)
    assert len(folded) <= longest
    assert set(folded) <= set(
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789/-?:().,'+ "
    )
    assert folded == folded.strip(" /")
    assert "//" not in folded


@settings(max_examples=15, deadline=None)
@given(st.lists(st.integers(1, sepa.MOST), min_size=1, max_size=5))
def test_the_file_sums_to_the_cent(amounts: list[int]) -> None:
    asked = [
        dataclasses.replace(ONE, key=f"payout-{n}", amount=amount)
        for n, amount in enumerate(amounts)
    ]
    body = make(*asked)
    told = [int(str(text).replace(".", "")) for text in texts(body, ".//p:InstdAmt")]
    assert told == amounts
    assert int(str(texts(body, ".//p:CtrlSum")[0]).replace(".", "")) == sum(amounts)
