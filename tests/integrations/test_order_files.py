"""Files of orders, as shops export them and as people spoil them."""

from __future__ import annotations

import csv
import gzip
import itertools
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask_babel import Babel

from core.errors import InvalidInputError
from integrations import cells, facts, tables
from integrations.order_files import formats, reading, stripe, woocommerce
from integrations.order_files.formats import UnclearFileError
from integrations.order_files.shapes import Found, Layout, Order, Refused, Skipped
from integrations.rejected import RejectedFile, guarded
from integrations.tables import Row, Table, UnreadableFileError

DATA = Path(__file__).parents[1] / "data"
HEADER = "external_id,occurred_at,currency,total"
GOOD = "A-1,2026-01-05T10:00:00Z,EUR,10.00"
_numbers = itertools.count()


@pytest.fixture(autouse=True)
def _words() -> Iterator[None]:
    app = Flask("files")
    Babel(app)
    with app.app_context():
        yield


def written(folder: Path, content: str | bytes, *, name: str = "orders.csv") -> Path:
    path = folder / f"{next(_numbers)}-{name}"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def recognised(path: Path, **said: Any) -> tuple[Table, Layout]:
    table = Table(path)
    return table, formats.recognise(table, **{"timezone": "Europe/Paris", "currency": "EUR"} | said)


def found_in(path: Path, **said: Any) -> list[Found]:
    table, layout = recognised(path, **said)
    formats.require_clear(layout)
    return list(reading.read(table, layout))


def purchases_in(path: Path, **said: Any) -> list[facts.Purchase]:
    found = found_in(path, **said)
    assert all(isinstance(item, Order) for item in found), found
    return [item.purchase for item in found if isinstance(item, Order)]


def only_refusal(path: Path, **said: Any) -> str:
    refused = [item for item in found_in(path, **said) if isinstance(item, Refused)]
    assert len(refused) == 1
    return refused[0].problem


def test_our_own_file_gives_every_fact() -> None:
    found = found_in(DATA / "purchases.csv")
    first, second, third, fourth = (item for item in found if isinstance(item, Order))
    assert first.purchase == facts.Purchase(
        source="shop", external_id="P-1", occurred_at=datetime(2026, 1, 5, 9, tzinfo=UTC),
        currency="EUR", total=12_000, tax=2_000, customer_external_id="c1",
        email="zoe@example.com", country="FR", codes=("ZOE10",),
    )  # fmt: skip
    assert second.purchase.occurred_at == datetime(2026, 1, 6, 10, 30, tzinfo=UTC)  # Paris
    assert (second.purchase.codes, second.refunded) == (("zoe-10", "OTHER"), 3_000)
    assert (third.purchase.total, third.purchase.status) == (5_000, "pending")
    assert (fourth.purchase.total, fourth.purchase.status) == (12_345, "cancelled")


def test_shopify_continuation_lines_become_lines_of_their_order() -> None:
    orders = [item for item in found_in(DATA / "shopify_orders.csv") if isinstance(item, Order)]
    assert [order.purchase.external_id for order in orders] == [f"#100{n}" for n in range(1, 8)]
    first = orders[0].purchase
    assert first.lines == (
        facts.Line(sku="A", quantity=2, amount=2_000),
        facts.Line(sku="B", quantity=1, amount=1_000),
    )  # fmt: skip
    assert orders[2].purchase.lines[1].sku == 'note "x"'


def test_shopify_ids_beyond_2_to_the_53_stay_exact() -> None:
    first = purchases_in(DATA / "shopify_orders.csv")[0]
    assert first.aliases == (str(2**53 + 1001),)


def test_shopify_codes_are_trimmed_refunds_cumulative_and_offsets_kept() -> None:
    orders = {
        item.purchase.external_id: item
        for item in found_in(DATA / "shopify_orders.csv")
        if isinstance(item, Order)
    }
    assert (orders["#1002"].purchase.codes, orders["#1002"].refunded) == (("amb001",), 2_000)
    summer = orders["#1004"].purchase
    assert summer.occurred_at == datetime(2026, 6, 30, 23, 30, tzinfo=UTC)
    assert (summer.total, summer.tax, summer.shipping, summer.country) == (8_000, 1_333, 400, "GB")


def test_shopify_states_say_which_orders_count() -> None:
    states = {p.external_id: p.status for p in purchases_in(DATA / "shopify_orders.csv")}
    assert [states[f"#100{n}"] for n in range(1, 8)] == [
        "paid", "paid", "paid", "paid", "cancelled", "pending", "cancelled",
    ]  # fmt: skip


def shopify(folder: Path, *rows: str) -> Path:
    return written(folder, "\n".join(
        ["Name,Email,Financial Status,Currency,Total,Created at,Lineitem quantity,Lineitem price",
         *rows]
    ))  # fmt: skip


def test_a_bad_continuation_line_refuses_its_whole_order_and_no_other(tmp_path: Path) -> None:
    path = shopify(
        tmp_path,
        "#1,a@example.com,paid,EUR,10.00,2026-01-05 10:00:00 +0000,1,5.00",
        "#1,,,,,,2",
        "#1,,,,,,1,5.00",
        "#2,a@example.com,paid,EUR,10.00,2026-01-05 10:00:00 +0000,1,5.00",
    )
    refused, order = found_in(path)
    assert isinstance(refused, Refused)
    assert [row.line for row in refused.rows] == [2, 3, 4]
    assert isinstance(order, Order)
    assert order.purchase.external_id == "#2"


def test_continuation_lines_without_their_first_line_are_refused(tmp_path: Path) -> None:
    problem = only_refusal(shopify(tmp_path, "#9,,,,,,1,5.00"))
    assert "first line" in problem


def test_woocommerce_items_and_coupons_of_webtoffee_are_read() -> None:
    assert woocommerce.items("code:summer10|amount:5.00;code:ana|amount:2.00") == [
        {"code": "summer10", "amount": "5.00"}, {"code": "ana", "amount": "2.00"},
    ]  # fmt: skip


def woo_row(header: list[str], **cells_: str) -> str:
    return ",".join(f'"{cells_.get(name, "")}"' for name in header)


def test_a_webtoffee_export_gives_purchases_with_codes_lines_and_refunds(tmp_path: Path) -> None:
    header = [
        "order_id", "order_number", "order_date", "status", "tax_total", "shipping_total",
        "discount_total", "order_total", "order_currency", "customer_id", "customer_email",
        "billing_email", "billing_country", "coupon_items", "refund_items", "line_item_1",
        "line_item_2",
    ]  # fmt: skip
    common = {"order_date": "2026-01-05 10:00:00", "order_currency": "EUR"}
    text = "\n".join([
        ",".join(header),
        woo_row(header, order_id="71", order_number="71", status="wc-completed", tax_total="5.00",
                shipping_total="4.9000", order_total="39.90", discount_total="7.00",
                customer_id="0", billing_email="zoe@example.com", billing_country="FR",
                coupon_items="code:summer10|amount:5.00;code:ana|amount:2.00",
                refund_items="amount:-10.00|reason:broken|date:2026-02-01",
                line_item_1="name:Cap|product_id:5|sku:CAP|quantity:2|total:20.00",
                line_item_2="name:Mug|product_id:6|sku:|quantity:1|total:10.00", **common),
        woo_row(header, order_id="72", status="refunded", order_total="10.00", customer_id="8",
                **common),
        woo_row(header, order_id="73", status="on-hold", order_total="10.00", **common),
        woo_row(header, order_id="74", status="failed", order_total="10.00", **common),
    ])  # fmt: skip
    first, second, third, fourth = (
        item for item in found_in(written(tmp_path, text)) if isinstance(item, Order)
    )
    assert first.purchase == facts.Purchase(
        source="woocommerce", external_id="71", occurred_at=datetime(2026, 1, 5, 9, tzinfo=UTC),
        currency="EUR", total=3_990, discount=700, tax=500, shipping=490,
        email="zoe@example.com", country="FR", codes=("summer10", "ana"),
        lines=(facts.Line(sku="CAP", quantity=2, amount=2_000),
               facts.Line(sku="6", quantity=1, amount=1_000)),
    )  # fmt: skip
    assert first.refunded == 1_000
    assert (second.refunded, second.purchase.customer_external_id) == (1_000, "8")
    assert [third.purchase.status, fourth.purchase.status] == ["pending", "cancelled"]


def test_a_woocommerce_analytics_export_gives_net_sales_and_coupons(tmp_path: Path) -> None:
    path = written(tmp_path, (
        "Date,Order #,N. Revenue (formatted),Status,Customer,Customer type,Product(s),Items sold,"
        "Coupon(s),Net Sales,Attribution\n"
        '2026-01-05 10:00:00,71,£30.00,completed,Zoe,new,2× Cap,2,"summer10, ana",30,Direct\n'
    ))  # fmt: skip
    (order,) = purchases_in(path, currency="GBP")
    assert (order.total, order.currency, order.codes) == (3_000, "GBP", ("summer10", "ana"))


def test_a_stripe_export_tells_tests_failures_refunds_and_lost_disputes(tmp_path: Path) -> None:
    path = written(tmp_path, (
        "id,Created (UTC),Amount,Amount Refunded,Currency,Mode,Status,Customer ID,Customer Email,"
        "Card Address Country,Disputed Amount,Dispute Status,PaymentIntent ID,"
        "promo_code (metadata)\n"
        "ch_1,2026-07-01 21:56,30.00,5.00,usd,Live,Paid,cus_1,z@example.com,CH,,,pi_1,ZOE10\n"
        "ch_2,2026-07-01 22:00,3000,0,jpy,Test,Paid,,,,,,pi_2,\n"
        "ch_3,2026-07-01 22:01,30.00,0.00,usd,Live,Failed,,,,,,pi_1,\n"
        "ch_4,2026-07-01 22:02,30.00,0.00,usd,Live,Paid,,,,30.00,lost,,\n"
    ))  # fmt: skip
    first, second, third, fourth = found_in(path)
    assert isinstance(first, Order)
    assert first.purchase == facts.Purchase(
        source="stripe", external_id="pi_1", occurred_at=datetime(2026, 7, 1, 21, 56, tzinfo=UTC),
        currency="USD", total=3_000, customer_external_id="cus_1", email="z@example.com",
        country="CH", codes=("ZOE10",), aliases=("ch_1",),
    )  # fmt: skip
    assert first.refunded == 500
    assert isinstance(second, Order)
    assert (second.purchase.total, second.purchase.is_test) == (3_000, True)
    assert isinstance(third, Skipped)
    assert isinstance(fourth, Order)
    assert (fourth.purchase.external_id, fourth.refunded) == ("ch_4", 3_000)
    assert stripe.FORMAT.timezone == "UTC"


@pytest.mark.parametrize(
    ("file", "name"),
    [
        ("shopify_orders_export_header.csv", "shopify"),
        ("shopify_orders_export_2022_header.csv", "shopify"),
        ("woocommerce_analytics_orders_header.csv", "woocommerce"),
        ("woocommerce_webtoffee_orders_header.csv", "woocommerce"),
        ("stripe_payments_export_header.csv", "stripe"),
    ],
)
def test_every_real_header_of_orders_is_recognised(shared_data: Path, file: str, name: str) -> None:
    table, layout = recognised(shared_data / "csv_headers" / file)
    formats.require_clear(layout)
    assert layout.format.name == name
    assert list(reading.read(table, layout)) == []


@pytest.mark.parametrize(
    ("file", "hint"),
    [
        ("stripe_balance_transactions_export_header.csv", "Export the payments"),
        ("meta_ads_en.csv", "as spend"),
        ("meta_ads_fr_semicolon.csv", "as spend"),
        ("tiktok_ads_en.csv", "as spend"),
        ("google_ads_en.csv", "No column was found"),
    ],
)
def test_other_exports_are_refused_with_what_to_do(shared_data: Path, file: str, hint: str) -> None:
    _table, layout = recognised(shared_data / "csv_headers" / file)
    with pytest.raises(formats.UnknownFormatError, match=hint):
        formats.require_clear(layout)


def test_the_real_export_gives_its_known_totals(shared_data: Path) -> None:
    found = found_in(shared_data / "orders" / "shopify_orders_export.csv.gz")
    orders = [item for item in found if isinstance(item, Order)]
    assert len(found) == len(orders) == 8_890
    assert sum(bool(order.purchase.codes) for order in orders) == 1_684
    assert sum(order.purchase.total for order in orders) == 381_534_640
    assert sum(order.refunded for order in orders) == 19_191_802
    assert sum(len(order.purchase.lines) for order in orders) == 25_017


def test_a_french_spreadsheet_is_understood(tmp_path: Path) -> None:
    text = (
        "\ufeffN° commande;Date;Montant TTC;Devise;Code\r\n"
        "MG-1;31/03/2026 18:42;1\u202f234,50;CHF;Zoé10\r\n"
        "MG-2;01/04/2026;12,5;CHF;\r\n"
    )
    mapping = {
        "external_id": ["N° commande"], "occurred_at": ["date"], "total": ["Montant TTC"],
        "currency": ["Devise"], "codes": ["Code"],
    }  # fmt: skip
    table, layout = recognised(written(tmp_path, text), mapping=mapping)
    assert (table.shape.encoding, table.shape.delimiter) == ("utf-8-sig", ";")
    assert (layout.notation.decimal, layout.notation.dates) == (",", "dmy")
    first, second = (
        item.purchase for item in reading.read(table, layout) if isinstance(item, Order)
    )
    assert (first.total, first.codes, second.total) == (123_450, ("Zoé10",), 1_250)
    assert first.occurred_at == datetime(2026, 3, 31, 16, 42, tzinfo=UTC)


def test_windows_1252_is_recognised_even_when_only_the_end_says_so(tmp_path: Path) -> None:
    rows = [f"A-{n},2026-01-05T10:00:00Z,EUR,10.00,x" for n in range(20_000)]
    text = "\n".join([f"{HEADER},codes", *rows, "A-Z,2026-01-05T10:00:00Z,EUR,10.00,Zoé"])
    table, layout = recognised(written(tmp_path, text.encode("cp1252")))
    last = [item for item in reading.read(table, layout) if isinstance(item, Order)][-1]
    assert table.shape.encoding == "cp1252"
    assert last.purchase.codes == ("Zoé",)


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_delimiters_are_recognised(tmp_path: Path, delimiter: str) -> None:
    text = "\n".join([HEADER, GOOD]).replace(",", delimiter)
    assert purchases_in(written(tmp_path, text))[0].total == 1_000


@pytest.mark.parametrize("ending", ["\n", "\r\n", "\r"])
def test_line_endings_make_no_difference(tmp_path: Path, ending: str) -> None:
    text = ending.join([HEADER, GOOD, "", GOOD.replace("A-1", "A-2"), ",,,"])
    assert [p.external_id for p in purchases_in(written(tmp_path, text))] == ["A-1", "A-2"]


def test_line_breaks_in_quoted_cells_are_part_of_them(tmp_path: Path) -> None:
    text = f'{HEADER},heard_from\n{GOOD},"a friend,\nZoé ""the"" cook"\n{GOOD.replace("1,", "2,")},'
    first, second = purchases_in(written(tmp_path, text))
    assert first.heard_from == 'a friend,\nZoé "the" cook'
    assert second.external_id == "A-2"


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ('"A-2,2026-01-05T10:00:00Z,EUR,10.00', "quotation mark"),
        ("A-2,2026-01-05T10:00:00Z,EUR", "3 cells where the header has 4"),
        ("A-2,2026-01-05T10:00:00Z,EUR,10.00,x", "5 cells where the header has 4"),
        ("A\0,2026-01-05T10:00:00Z,EUR,10.00", "NUL"),
        (f"{'A' * 40_000},2026-01-05T10:00:00Z,EUR,10.00", "longer than 32767"),
        (f"{'A' * 1_100_000},2026-01-05T10:00:00Z,EUR,10.00", "million"),
        ("A-2,2026-01-05T10:00:00Z,EUR,NaN", "not an amount"),
        ("A-2,2026-01-05T10:00:00Z,EUR,Infinity", "not an amount"),
        ("A-2,2026-01-05T10:00:00Z,EUR,1e5", "not an amount"),
        ("A-2,2026-01-05T10:00:00Z,EUR,١٢", "not an amount"),
        ("A-2,2026-01-05T10:00:00Z,EUR,10.001", "more decimals than EUR"),
        ("A-2,2026-01-05T10:00:00Z,EUR,99999999999999999999", "can be recorded"),
        ("A-2,2026-01-05T10:00:00Z,EUR,-10.00", "below zero"),
        ("A-2,2026-01-05T10:00:00Z,EUR,", "empty"),
        ("A-2,2026-01-05T10:00:00Z,XXX,10.00", "not a currency"),
        ("A-2,2026-01-05T10:00:00Z,,10.00", "currency is missing"),
        ("A-2,2026-02-31T10:00:00Z,EUR,10.00", "not a date"),
        ("A-2,31.02.2026,EUR,10.00", "does not exist"),
        ("A-2,0026-01-05T10:00:00Z,EUR,10.00", "not a date of our time"),
        (",2026-01-05T10:00:00Z,EUR,10.00", "empty"),
    ],
)
def test_a_bad_line_in_the_middle_is_refused_alone(tmp_path: Path, line: str, why: str) -> None:
    good = [GOOD.replace("A-1", f"B-{n}") for n in range(5)]
    path = written(tmp_path, "\n".join([HEADER, *good[:3], line, *good[3:]]))
    found = found_in(path)
    refused = [item for item in found if isinstance(item, Refused)]
    assert [item.purchase.external_id for item in found if isinstance(item, Order)] == [
        f"B-{n}" for n in range(5)
    ]
    assert len(refused) == 1
    assert why in refused[0].problem
    assert refused[0].rows[0].line == 5


def test_a_byte_that_is_no_text_refuses_its_line(tmp_path: Path) -> None:
    path = written(tmp_path, f"{HEADER}\n{GOOD}\n".encode() + b"A\x81,2026-01-05,EUR,10.00\n")
    assert "no text" in only_refusal(path)


def test_a_refund_larger_than_its_purchase_is_refused(tmp_path: Path) -> None:
    path = written(tmp_path, f"{HEADER},refunded\n{GOOD},10.01\n")
    assert "More was refunded" in only_refusal(path)


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"", "empty"),
        (b"\n\n  \n", "empty"),
        (b"PK\x03\x04 a workbook", "workbook"),
        (b"\x1b]0;name,total\n1,2\n", "column names"),
        (b"caf\x81,total\n1,2\n", "column names"),
        (gzip.compress(f"{HEADER}\n{GOOD}\n".encode() * 500)[:-20], "cut short"),
        (b"\x1f\x8b\x08 nonsense", "cut short"),
    ],
)
def test_what_is_no_table_is_refused_as_a_whole(tmp_path: Path, content: bytes, why: str) -> None:
    with pytest.raises(UnreadableFileError, match=why):
        Table(written(tmp_path, content))


def test_a_file_that_would_fill_the_machine_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tables, "_BOMB", 1 << 20)
    with pytest.raises(UnreadableFileError, match="beyond reason"):
        Table(written(tmp_path, gzip.compress(b" " * (5 << 20))))


def test_a_missing_file_is_refused_in_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(UnreadableFileError, match="No such file"):
        Table(tmp_path / "nowhere.csv")


def test_a_header_alone_holds_no_orders(tmp_path: Path) -> None:
    assert found_in(written(tmp_path, HEADER)) == []


def test_gzip_and_utf_16_are_read_as_well(tmp_path: Path) -> None:
    text = f"{HEADER}\n{GOOD}\n"
    assert len(found_in(written(tmp_path, gzip.compress(text.encode())))) == 1
    assert len(found_in(written(tmp_path, text.encode("utf-16")))) == 1


def dated(folder: Path, *dates: str) -> Path:
    rows = [f"A-{n},{date},EUR,10.00" for n, date in enumerate(dates)]
    return written(folder, "\n".join([HEADER, *rows]))


def test_one_telling_date_decides_for_the_whole_file(tmp_path: Path) -> None:
    first = purchases_in(dated(tmp_path, "03/04/2026", "05/06/2026", "04/13/2026"))[0]
    assert first.occurred_at == datetime(2026, 3, 3, 23, tzinfo=UTC)


def test_a_date_far_into_the_file_still_decides(tmp_path: Path) -> None:
    path = dated(tmp_path, *["03/04/2026"] * 3_000, "25/04/2026")
    assert recognised(path)[1].notation.dates == "dmy"


def test_dates_that_could_be_both_are_asked_about_and_then_obeyed(tmp_path: Path) -> None:
    path = dated(tmp_path, "03/04/2026 9:05 PM", "05/06/2026")
    with pytest.raises(formats.UnclearFileError, match="dmy or mdy"):
        found_in(path)
    assert purchases_in(path, dates="mdy")[0].occurred_at == datetime(2026, 3, 4, 20, 5, tzinfo=UTC)


def test_an_amount_that_could_be_both_is_asked_about_and_then_obeyed(tmp_path: Path) -> None:
    path = written(tmp_path, f'{HEADER}\nA-1,2026-01-05,EUR,"1,234"\n')
    with pytest.raises(formats.UnclearFileError, match="decimal sign"):
        found_in(path)
    assert purchases_in(path, decimal=".")[0].total == 123_400


@pytest.mark.parametrize(
    ("text", "decimal", "minor"),
    [
        ("1,234.50", ".", 123_450),
        ("1'234.50", ".", 123_450),
        ("1’234.50", ".", 123_450),
        ("1 234,50", ",", 123_450),
        ("1\u00a0234\u202f567,5", ",", 123_456_750),
        ("1.234,50", ",", 123_450),
        ("€ 12.00", ".", 1_200),
        ("12,00 EUR", ",", 1_200),
        ("+5", ".", 500),
        ("12.5000", ".", 1_250),
    ],
)
def test_amounts_are_read_exactly(text: str, decimal: str, minor: int) -> None:
    assert cells.amount(text, "EUR", decimal) == minor


@pytest.mark.parametrize("text", ["1.234.50", "12,5O", "1,23", "", "12..5", "--5", "12 USD"])
def test_figures_that_do_not_fit_the_sign_are_refused_not_guessed(text: str) -> None:
    with pytest.raises(cells.CellError):
        cells.amount(text, "EUR", ".")


def test_the_decimal_sign_is_told_by_the_whole_sample() -> None:
    assert cells.decimal_sign(["1,234", "12.50"]) == (".", False)
    assert cells.decimal_sign(["1.234", "12,5"]) == (",", False)
    assert cells.decimal_sign(["1.234.567"]) == (",", False)
    assert cells.decimal_sign(["1,234"]) == (None, True)
    assert cells.decimal_sign(["10", "20"]) == (None, False)


def test_a_column_that_stands_twice_is_asked_about_where_it_is_used(tmp_path: Path) -> None:
    twice = "external_id,occurred_at,total,Total,note,note\n1,2026-01-31,5.00,7.00,a,b\n"
    with pytest.raises(UnclearFileError, match="“total” twice"):
        found_in(written(tmp_path, twice))
    assert len(found_in(written(tmp_path, twice.replace("Total", "Sum")))) == 1


def test_a_mapping_names_columns_and_refuses_what_is_not_there(tmp_path: Path) -> None:
    path = written(tmp_path, "Order,When,Sum\nA-1,2026-01-05T10:00:00Z,10.00\n")
    mapping = {"external_id": ["Order"], "occurred_at": ["When"], "total": ["Sum"]}
    (purchase,) = purchases_in(path, mapping=mapping, source="fair")
    assert (purchase.source, purchase.currency, purchase.total) == ("fair", "EUR", 1_000)
    for wrong in ({"nothing": ["Order"]}, {"total": ["Nowhere"]}):
        with pytest.raises(InvalidInputError):
            recognised(path, mapping=wrong)


def test_refused_lines_are_safe_for_spreadsheets_and_read_back_as_they_were(
    tmp_path: Path,
) -> None:
    path = written(tmp_path, f"{HEADER}\n=cmd(),2026-01-05,EUR,-5.00\n+1,2026-01-05,EUR,x\n")
    table, layout = recognised(path)
    file = RejectedFile(tmp_path / "out.csv", table)
    for item in reading.read(table, layout):
        assert isinstance(item, Refused)
        file.add(item.rows[0])
    kept = file.finish()
    assert kept is not None
    lines = list(csv.reader(kept.read_text().splitlines()))
    assert lines[0] == ["rejected_line", "rejected_reason", *HEADER.split(",")]
    assert lines[1][2:] == ["'=cmd()", "2026-01-05", "EUR", "-5.00"]
    assert [row.cells for row in Table(kept)] == [row.cells for row in table]


def test_numbers_stay_numbers_in_files_for_spreadsheets() -> None:
    assert [guarded(cell) for cell in ("-5.00", "+1 234,5", "-x", "@a", "\tz", "a=b")] == [
        "-5.00", "+1 234,5", "'-x", "'@a", "'\tz", "a=b",
    ]  # fmt: skip


def test_an_interrupted_file_of_refused_lines_goes_on_where_it_was(tmp_path: Path) -> None:
    table = Table(written(tmp_path, f"{HEADER}\n{GOOD}\n"))
    first = RejectedFile(tmp_path / "out.csv", table)
    first.add(Row(2, ["a"], "why"))
    size = first.flush()
    first.add(Row(3, ["lost with its batch"], "why"))
    first.close()
    second = RejectedFile(tmp_path / "out.csv", table, resume_at=size)
    second.add(Row(3, ["b"], "why"))
    kept = second.finish()
    assert kept is not None
    assert [line.split(",")[2] for line in kept.read_text().splitlines()[1:]] == ["a", "b"]
