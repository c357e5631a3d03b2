"""SEPA credit transfers: the file that a bank takes, in the format pain.001.001.09.

One payment information block, booked as one batch.  Amounts are exact, from minor units of
the euro.  Texts are folded to the letters that every bank of the area takes.  The same
arguments give the same bytes.

Source: European Payments Council, EPC132-08 (customer-to-bank guidelines) and EPC217-08
(character set); the schema of ISO 20022 comes with the library `sepaxml` (decision 0071).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from xml.etree import ElementTree

import sepaxml
from flask_babel import gettext as _
from sepaxml import validation
from text_unidecode import unidecode

from core import clock, iban
from core.errors import Fault, InvalidInputError

SCHEMA = "pain.001.001.09"
MOST = 99_999_999_999  # cents of one transfer: EUR 999,999,999.99
_SPACE = f"{{urn:iso:std:iso:20022:tech:xsd:{SCHEMA}}}"
_ID = re.compile(r"[A-Za-z0-9+?:().,'-][A-Za-z0-9+?:().,'/-]{0,34}")


class SepaError(InvalidInputError):
    """Something in the file cannot be sent; every reason is listed, and no file is made."""

    code = "sepa_refused"


@dataclass(frozen=True, slots=True, kw_only=True)
class Debtor:
    """Whose account pays."""

    name: str
    iban: str
    bic: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CreditTransfer:
    """One amount to one account."""

    key: str  # the payout's; at most 35 characters; it comes back on the statement
    name: str
    iban: str
    amount: int  # cents
    remittance: str  # what the beneficiary reads
    currency: str = "EUR"


def credit_transfer_file(
    debtor: Debtor,
    transfers: Sequence[CreditTransfer],
    *,
    execution_on: date,
    message_id: str,
    created_at: datetime | None = None,
) -> bytes:
    """Return the file.

    Args:
        debtor: Who pays.
        transfers: At least one.
        execution_on: When the bank should send them.
        message_id: At most 35 characters; a bank refuses the same one a second time.
        created_at: Aware; now, unless an earlier file is to be made again.

    Raises:
        SepaError: A wrong account, amount, currency, name or id; all of them listed.
    """
    faults = [*_wrong_frame(debtor, message_id), *_wrong_transfers(transfers)]
    if faults:
        said = "; ".join(fault.detail for fault in faults)
        raise SepaError(_("No file was made. %(reasons)s", reasons=said), faults=faults)
    payer = {
        "name": fold(debtor.name, 70), "IBAN": iban.normalise(debtor.iban),
        "batch": True, "currency": "EUR",
    }  # fmt: skip
    if debtor.bic:
        payer["BIC"] = iban.normalise_bic(debtor.bic)
    book = sepaxml.SepaTransfer(payer, schema=SCHEMA, clean=False)
    for one in transfers:
        book.add_payment(
            {
                "name": fold(one.name, 70), "IBAN": iban.normalise(one.iban),
                "amount": one.amount, "execution_date": execution_on,
                "description": fold(one.remittance, 140), "endtoend_id": one.key,
            }
        )  # fmt: skip
    made = _made_ours(book.export(validate=False), message_id, created_at or clock.now())
    validation.try_valid_xml(made, SCHEMA)
    return made


def fold(text: str, longest: int) -> str:
    """Return a text in the letters of SEPA, cut to a length; one that has none is empty."""
    plain = re.sub(r"[^A-Za-z0-9/?:().,'+ -]", " ", unidecode(text.replace("&", "+")))
    words = " ".join(re.sub("/{2,}", "/", plain).split()).strip("/ ")
    return words[:longest].strip("/ ") if re.search("[A-Za-z0-9]", words) else ""


def _wrong_frame(debtor: Debtor, message_id: str) -> list[Fault]:
    faults = []
    if not fold(debtor.name, 70):
        faults.append(Fault("/debtor/name", _("The name of who pays is missing.")))
    if iban.normalise(debtor.iban) is None:
        faults.append(Fault("/debtor/iban", _("The IBAN of who pays is not right.")))
    if debtor.bic and iban.normalise_bic(debtor.bic) is None:
        faults.append(Fault("/debtor/bic", _("The BIC of who pays is not right.")))
    if not _is_id(message_id):
        faults.append(Fault("/message_id", _("The file's id does not fit the format.")))
    return faults


def _wrong_transfers(transfers: Sequence[CreditTransfer]) -> list[Fault]:
    if not transfers:
        return [Fault("/transfers", _("There is nothing to transfer."))]
    faults = [
        Fault(f"/transfers/{index}/{field}", f"{one.key}: {said}")
        for index, one in enumerate(transfers)
        for field, said in _wrong(one)
    ]
    if len({one.key for one in transfers}) < len(transfers):
        faults.append(Fault("/transfers", _("A payout is in the file twice.")))
    return faults


def _wrong(one: CreditTransfer) -> Iterator[tuple[str, str]]:
    """Yield what is wrong with a transfer: the field, and what to say of it."""
    if iban.normalise(one.iban) is None:
        yield "iban", _("the IBAN is not right")
    if not fold(one.name, 70):
        yield "name", _("the account holder's name is missing")
    if not 0 < one.amount <= MOST:
        yield "amount", _("the amount is out of range")
    if one.currency != "EUR":
        yield "currency", _("SEPA takes euros only")
    if not _is_id(one.key):
        yield "key", _("the id does not fit the format")


def _is_id(text: str) -> bool:
    return _ID.fullmatch(text) is not None and "//" not in text and not text.endswith("/")


def _made_ours(made: bytes, message_id: str, created_at: datetime) -> bytes:
    """Put our ids and instant in the place of the library's random ones.

    Where no BIC is told, the guidelines want a word in its place.
    """
    root = ElementTree.fromstring(made)  # noqa: S314  our own document
    ElementTree.register_namespace("", _SPACE.strip("{}"))
    header, block = root[0].find(f"{_SPACE}GrpHdr"), root[0].find(f"{_SPACE}PmtInf")
    assert header is not None and block is not None  # noqa: S101, PT018  the library made them
    _set(header, "MsgId", message_id)
    _set(header, "CreDtTm", f"{created_at.astimezone(UTC):%Y-%m-%dT%H:%M:%S}")
    _set(block, "PmtInfId", message_id)
    bank = block.find(f"{_SPACE}DbtrAgt/{_SPACE}FinInstnId")
    if bank is not None and not len(bank):
        other = ElementTree.SubElement(bank, f"{_SPACE}Othr")
        ElementTree.SubElement(other, f"{_SPACE}Id").text = "NOTPROVIDED"
    body: bytes = ElementTree.tostring(root, encoding="UTF-8", xml_declaration=True)
    return body


def _set(node: ElementTree.Element, name: str, text: str) -> None:
    found = node.find(f"{_SPACE}{name}")
    assert found is not None  # noqa: S101  the library made it
    found.text = text
