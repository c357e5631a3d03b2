"""Add self-billing: its terms, mandates, VAT by day, invoices and credit notes with their numbers."""

from __future__ import annotations

from datetime import UTC, datetime

import sqlalchemy as sa
from alembic import op

from core import protection
from core.db import UtcDateTime

revision = "0043_add_self_billing"
down_revision = "0042_add_contract_meter"
branch_labels = None
depends_on = None

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
TIME = UtcDateTime(timezone=True)
MANDATE = (
    "ambassador_id", "terms_version", "name", "address", "tax_id", "accepted_at",
)  # fmt: skip

TEXT_EN = """I ask the brand to write, in my name and for me, the invoices and credit notes of the payouts I receive (self-billing). Each one has a number of its own, carries the word “Autofacturation”, and can be read and printed in the portal.

I keep the duty to tell my income and to pay the VAT that is due. I say at once when my name, my address or my VAT status changes. I may object to an invoice within 30 days, and withdraw this mandate at any time.

Source: CGI, art. 289, I-2, and art. 242 nonies A of annexe II."""

TEXT_FR = """Je demande à la marque d’établir, en mon nom et pour mon compte, les factures et les avoirs des versements que je reçois (autofacturation). Chacun porte son propre numéro et la mention « Autofacturation », et se lit et s’imprime dans le portail.

Je reste responsable de la déclaration de mes revenus et du paiement de la TVA due. Je signale aussitôt tout changement de nom, d’adresse ou de régime de TVA. Je peux contester une facture dans les 30 jours et retirer ce mandat à tout moment.

Source : CGI, art. 289, I-2, et art. 242 nonies A de l’annexe II."""


def upgrade() -> None:
    terms = op.create_table(
        "billing_terms",
        sa.Column("id", ID, nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("is_on", sa.Boolean(), nullable=False),
        sa.Column("customer", sa.String(length=500), nullable=False),
        sa.Column("text_en", sa.Text(), nullable=False),
        sa.Column("text_fr", sa.Text(), nullable=False),
        sa.Column("published_at", TIME, nullable=False),
        sa.Column("published_by", sa.String(length=100), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_billing_terms")),
        sa.UniqueConstraint("version", name=op.f("uq_billing_terms_version")),
    )
    first = {
        "version": 1, "is_on": False, "customer": "", "text_en": TEXT_EN, "text_fr": TEXT_FR,
        "published_at": datetime(2026, 1, 1, tzinfo=UTC), "published_by": "",
    }  # fmt: skip
    op.bulk_insert(terms, [first])
    op.create_table(
        "billing_mandate",
        sa.Column("id", ID, nullable=False),
        sa.Column("ambassador_id", ID, nullable=False),
        sa.Column("terms_version", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("address", sa.String(length=500), nullable=False),
        sa.Column("tax_id", sa.String(length=40), nullable=False),
        sa.Column("accepted_at", TIME, nullable=False),
        sa.Column("withdrawn_at", TIME, nullable=True),
        _to("billing_mandate", "ambassador_id", "ambassador", "id"),
        _to("billing_mandate", "terms_version", "billing_terms", "version"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_billing_mandate")),
    )
    op.create_index(op.f("ix_billing_mandate_ambassador_id"), "billing_mandate", ["ambassador_id"])
    op.create_table(
        "vat_status",
        sa.Column("id", ID, nullable=False),
        sa.Column("ambassador_id", ID, nullable=False),
        sa.Column("effective_from", sa.Date(), nullable=False),
        sa.Column("rate", sa.Integer(), nullable=False),
        sa.Column("vat_number", sa.String(length=20), nullable=False),
        sa.Column("recorded_at", TIME, nullable=False),
        sa.CheckConstraint("rate >= 0 AND rate < 10000", name=op.f("ck_vat_status_rate_in_range")),
        _to("vat_status", "ambassador_id", "ambassador", "id"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_vat_status")),
        sa.UniqueConstraint(
            "ambassador_id", "effective_from",
            name=op.f("uq_vat_status_ambassador_id_effective_from"),
        ),
    )  # fmt: skip
    op.create_table(
        "invoice_counter",
        sa.Column("ambassador_id", ID, autoincrement=False, nullable=False),
        sa.Column("last", sa.Integer(), nullable=False),
        _to("invoice_counter", "ambassador_id", "ambassador", "id"),
        sa.PrimaryKeyConstraint("ambassador_id", name=op.f("pk_invoice_counter")),
    )
    op.create_table(
        "invoice",
        sa.Column("id", ID, nullable=False),
        sa.Column("ambassador_id", ID, nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(length=32), nullable=False),
        sa.Column("payout_id", ID, nullable=True),
        sa.Column("corrects_id", ID, nullable=True),
        sa.Column("mandate_id", ID, nullable=False),
        sa.Column("issued_on", sa.Date(), nullable=False),
        sa.Column("issued_at", TIME, nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("net", sa.BigInteger(), nullable=False),
        sa.Column("vat_rate", sa.Integer(), nullable=False),
        sa.Column("vat", sa.BigInteger(), nullable=False),
        sa.Column("gross", sa.BigInteger(), nullable=False),
        sa.Column("vat_number", sa.String(length=20), nullable=False),
        sa.Column("customer", sa.String(length=500), nullable=False),
        sa.CheckConstraint("gross = net + vat", name=op.f("ck_invoice_adds_up")),
        sa.CheckConstraint("gross > 0 AND vat >= 0", name=op.f("ck_invoice_positive")),
        _to("invoice", "ambassador_id", "ambassador", "id"),
        _to("invoice", "payout_id", "payout", "id"),
        _to("invoice", "corrects_id", "invoice", "id"),
        _to("invoice", "mandate_id", "billing_mandate", "id"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_invoice")),
        sa.UniqueConstraint("payout_id", name=op.f("uq_invoice_payout_id")),
        sa.UniqueConstraint(
            "ambassador_id", "number", name=op.f("uq_invoice_ambassador_id_number")
        ),
    )
    op.create_index(op.f("ix_invoice_issued_at"), "invoice", ["issued_at"])
    for table in ("billing_terms", "vat_status", "invoice"):
        protection.protect(table)
    protection.protect("billing_mandate", MANDATE)


def downgrade() -> None:
    for table in ("invoice", "invoice_counter", "vat_status", "billing_mandate", "billing_terms"):
        op.drop_table(table)


def _to(table: str, column: str, other: str, key: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        [column], [f"{other}.{key}"], name=op.f(f"fk_{table}_{column}_{other}")
    )
