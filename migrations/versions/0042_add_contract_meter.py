"""Add thresholds with those of the law today, contracts, and the first words of a contract.

The amounts are settings of the brand: another row counts from its day on.
"""

from __future__ import annotations

from datetime import UTC, date, datetime

import sqlalchemy as sa
from alembic import op

from core import protection
from core.db import UtcDateTime

revision = "0042_add_contract_meter"
down_revision = "0041_add_books"
branch_labels = None
depends_on = None

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
TIME = UtcDateTime(timezone=True)
IS_CURRENT = sa.text("replaced_at IS NULL")

THRESHOLDS = (  # kind, minor units, currency, from, source
    (
        "contract", 100_000, "EUR", date(2026, 1, 1),
        "France : loi n° 2023-451, art. 8 ; décret n° 2025-1137 (1 000 € HT)",
    ),
    ("das2", 120_000, "EUR", date(2014, 1, 1), "France : CGI, art. 240 ; BOFiP, 1er avril 2015"),
    ("das2", 240_000, "EUR", date(2024, 1, 1), "France : CGI, art. 240 ; BOFiP, 12 février 2025"),
    ("nec", 60_000, "USD", date(2020, 1, 1), "United States: 26 U.S.C. § 6041A, form 1099-NEC"),
    ("nec", 200_000, "USD", date(2026, 1, 1), "United States: Public Law 119-21, § 70433"),
)  # fmt: skip

TEXT_EN = """CONTRACT BETWEEN {brand} AND {ambassador}

1. Parties
{brand} (“the brand”) and {ambassador} (“the ambassador”) agree on what follows.

2. What the ambassador does
The ambassador recommends the brand to people they know and shares the codes and links they received. Objective of the campaigns: {objective}. The ambassador decides freely what they say, how often and where. Nobody may ask them for a number of posts.

3. Period
From {from} to {until}.

4. Pay and gifts
{pay}
Until today the pay of this year is {pay_so_far}, and the value of gifts is {gifts_so_far}. Each commission with its reason, refunds included, can be read in the portal at any time. Pay is taken back where the order behind it is refunded.

5. What has to be said
Each shared content says clearly that it is advertising (“Publicité” or “Collaboration commerciale”), for as long as it can be seen. The ambassador does not recommend what the law forbids to recommend.

6. Rights on content
Content stays the ambassador’s. The brand uses it only after asking, for the media, territory and time that were agreed on.

7. End
Each of us may end this contract at any time, by message. What was earned until then is paid.

8. Law
Where the ambassador speaks to people in France, French law applies, loi n° 2023-451 of 9 June 2023 included.
"""

TEXT_FR = """CONTRAT ENTRE {brand} ET {ambassador}

1. Les parties
{brand} (« la marque ») et {ambassador} (« l’ambassadeur ou l’ambassadrice ») conviennent de ce qui suit.

2. Ce que fait l’ambassadeur ou l’ambassadrice
Cette personne recommande la marque autour d’elle et partage les codes et les liens qu’elle a reçus. Objectif des campagnes : {objective}. Elle choisit librement ce qu’elle dit, quand et où. Personne ne peut lui demander un nombre de publications.

3. Durée
Du {from} au {until}.

4. Rémunération et avantages en nature
{pay}
À ce jour, la rémunération de l’année est de {pay_so_far} et la valeur des avantages en nature de {gifts_so_far}. Chaque commission et sa raison, remboursements compris, se lisent à tout moment dans le portail. Une rémunération est reprise quand la commande qui l’a produite est remboursée.

5. Ce qui doit être dit
Chaque contenu partagé porte de façon claire la mention « Publicité » ou « Collaboration commerciale », aussi longtemps qu’il est visible. Rien n’est recommandé dont la loi interdit la promotion.

6. Droits sur les contenus
Les contenus restent à la personne qui les a créés. La marque ne les utilise qu’après l’avoir demandé, pour les supports, le territoire et la durée convenus.

7. Fin
Chacun peut mettre fin à ce contrat à tout moment, par message. Ce qui a été gagné jusque-là est versé.

8. Droit applicable
Lorsque le public visé est en France, le droit français s’applique, notamment la loi n° 2023-451 du 9 juin 2023.
"""


def upgrade() -> None:
    _create_threshold()
    _create_template()
    _create_contract()


def downgrade() -> None:
    for table in ("contract", "contract_template", "threshold"):
        op.drop_table(table)


def _create_threshold() -> None:
    table = op.create_table(
        "threshold",
        sa.Column("id", ID, nullable=False),
        sa.Column("kind", sa.String(length=32), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=True),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("effective_from", sa.Date(), nullable=False),
        sa.Column("source", sa.String(length=300), nullable=False),
        sa.Column("recorded_at", TIME, nullable=False),
        sa.Column("recorded_by", sa.String(length=100), nullable=False),
        sa.CheckConstraint(
            "amount IS NULL OR amount > 0", name=op.f("ck_threshold_amount_positive")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_threshold")),
        sa.UniqueConstraint("kind", "effective_from", name=op.f("uq_threshold_kind_effective_from")),
    )
    op.bulk_insert(
        table,
        [
            {
                "kind": kind, "amount": amount, "currency": currency, "effective_from": day,
                "source": source, "recorded_by": "",
                "recorded_at": datetime(day.year, day.month, day.day, tzinfo=UTC),
            }
            for kind, amount, currency, day, source in THRESHOLDS
        ],
    )  # fmt: skip
    protection.protect("threshold")


def _create_template() -> None:
    table = op.create_table(
        "contract_template",
        sa.Column("id", ID, nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("text_en", sa.Text(), nullable=False),
        sa.Column("text_fr", sa.Text(), nullable=False),
        sa.Column("published_at", TIME, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_contract_template")),
        sa.UniqueConstraint("version", name=op.f("uq_contract_template_version")),
    )
    first = {"version": 1, "published_at": datetime(2026, 1, 1, tzinfo=UTC)}
    texts = {"text_en": TEXT_EN.strip(), "text_fr": TEXT_FR.strip()}
    op.bulk_insert(table, [first | texts])
    protection.protect("contract_template")


def _create_contract() -> None:
    op.create_table(
        "contract",
        sa.Column("id", ID, nullable=False),
        sa.Column("ambassador_id", ID, nullable=False),
        sa.Column("objective", sa.String(length=32), nullable=False),
        sa.Column("year", sa.Integer(), nullable=False),
        sa.Column("template_version", sa.Integer(), nullable=False),
        sa.Column("language", sa.String(length=5), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("text_hash", sa.String(length=64), nullable=False),
        sa.Column("prepared_at", TIME, nullable=False),
        sa.Column("prepared_by", sa.String(length=100), nullable=False),
        sa.Column("reminded_at", TIME, nullable=True),
        sa.Column("signed_at", TIME, nullable=True),
        sa.Column("signed_name", sa.String(length=200), nullable=True),
        sa.Column("replaced_at", TIME, nullable=True),
        sa.CheckConstraint(
            "(signed_at IS NULL) = (signed_name IS NULL)",
            name=op.f("ck_contract_signed_by_somebody"),
        ),
        sa.ForeignKeyConstraint(
            ["ambassador_id"], ["ambassador.id"], name=op.f("fk_contract_ambassador_id_ambassador")
        ),
        sa.ForeignKeyConstraint(
            ["template_version"],
            ["contract_template.version"],
            name=op.f("fk_contract_template_version_contract_template"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_contract")),
    )
    op.create_index(
        "uq_contract_current", "contract", ["ambassador_id", "objective", "year"], unique=True,
        sqlite_where=IS_CURRENT, postgresql_where=IS_CURRENT,
    )  # fmt: skip
    frozen = (
        "ambassador_id", "objective", "year", "template_version", "language", "text",
        "text_hash", "prepared_at", "prepared_by",
    )  # fmt: skip
    is_signed = "OLD.signed_at IS NOT NULL"
    protection.refuse("contract", "update", f"UPDATE OF {', '.join(frozen)}")
    protection.refuse("contract", "update_signed", "UPDATE", when=is_signed)
    protection.refuse("contract", "delete", "DELETE", when=is_signed)
