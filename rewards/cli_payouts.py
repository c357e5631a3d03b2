"""The operator's door of payouts: `flask payouts prepare|approve|send|export`."""

from __future__ import annotations

import secrets
from pathlib import Path

import click
from flask import Blueprint

from accounts import permissions
from ambassadors import program
from core.commands import committed
from core.money import to_major
from rewards import jobs_payouts, payout_blocks, payout_list, payout_sending, payouts
from rewards.models import PayoutMethod
from rewards.models_payouts import PayoutState

_OPERATOR = "operator"

door = permissions.guard(
    Blueprint("payouts_cli", __name__, cli_group="payouts"), permissions.FINANCE
)


@door.cli.command("prepare")
@click.option("--currency", help="ISO 4217; the program's unless given.")
@click.option("--by-hand", is_flag=True, help="Include those who named no destination.")
@click.option("--key", help="The same key again is the same batch.")
def prepare(currency: str | None, by_hand: bool, key: str | None) -> None:
    """Draft a payout for everybody who can be paid, and say who waits."""
    paid_in = (currency or program.current().currency).upper()
    with committed():
        batch = payouts.prepare(
            paid_in, key=f"operator:{key or secrets.token_urlsafe(16)}", by=_OPERATOR,
            by_hand=by_hand,
        )  # fmt: skip
        amount, count = payouts.total(batch.id), len(payouts.of_batch(batch.id, limit=10**9))
    click.echo(f"Batch {batch.id}: {count} payouts, {to_major(amount, paid_in)} {paid_in}.")
    for one in payout_blocks.candidates(paid_in):
        if one.blocks and payout_blocks.Block.UNDER_WAY not in one.blocks:
            reasons = ", ".join(block.value for block in one.blocks)
            click.echo(f"  waits: {one.name}, {to_major(one.amount, paid_in)} ({reasons})")


@door.cli.command("approve")
@click.argument("batch", type=int)
def approve(batch: int) -> None:
    """Set the money of a batch aside."""
    with committed():
        payouts.approve(batch, by=_OPERATOR)
    _tell(batch)


@door.cli.command("send")
@click.argument("batch", type=int)
def send(batch: int) -> None:
    """Send what leaves without a file: transfers at Stripe that are due, store credit."""
    with committed():
        for id_ in payouts.ids_of(batch, PayoutMethod.STORE_CREDIT, PayoutState.APPROVED):
            payout_sending.give_credit(id_)
    jobs_payouts.send_due()
    _tell(batch)


@door.cli.command("export")
@click.argument("batch", type=int)
@click.option("--out", type=click.Path(path_type=Path, dir_okay=False), required=True)
def export(batch: int, out: Path) -> None:
    """Write the bank's file of a batch (SEPA, pain.001.001.09)."""
    with committed():
        made = payout_sending.bank_file(payouts.batch_of(batch))
        payout_sending.note_export(made)
        try:
            out.write_bytes(made.body)
        except OSError as error:
            raise click.ClickException(f"{out} cannot be written: {error.strerror}.") from None
    click.echo(f"Written to {out}.")


def _tell(batch: int) -> None:
    for (method, state), (count, _amount) in sorted(payout_list.sums(batch).items()):
        click.echo(f"{method.value}: {count} {state.value}")
