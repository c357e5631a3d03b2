"""What an operator does with the machinery: worker, outbox, doctor."""

from __future__ import annotations

from typing import Any

import click
from flask import Blueprint, Flask, current_app

from core import doctor, outbox, worker
from core.db import db
from core.outbox import MessageState

door = Blueprint("operator", __name__, cli_group=None)


@door.cli.command("worker")
@click.option("--once", is_flag=True, help="Do what is due, say what was done, and stop.")
def work(*, once: bool) -> None:
    """Do the background work: messages, holds, reservations, imports."""
    app: Flask = current_app._get_current_object()  # type: ignore[attr-defined]
    jobs: tuple[worker.Job, ...] = app.extensions["jobs"]
    db.session.remove()
    worker.allow_long_statements(db.engine)
    if not once:
        click.echo(f"The worker has {len(jobs)} jobs; stop it with SIGTERM or Ctrl-C.")
        worker.run(app, jobs)
        click.echo("The worker has stopped.")
        return
    failed = 0
    for ran in worker.run_once(app, jobs):
        failed += bool(ran.error)
        click.echo(f"{ran.name}: {f'failed ({ran.error})' if ran.error else ran.done}")
    if failed:
        raise click.ClickException(f"{failed} jobs failed; the log says why.")


@door.cli.command("doctor")
def examine() -> None:
    """Look at settings, database, versions, clock and providers; say what to do."""
    colours = {"ok": "green", "warn": "yellow", "fail": "red"}
    failed = 0
    for check in doctor.examine(current_app.extensions["settings"]):
        failed += check.verdict is doctor.Verdict.FAIL
        verdict = click.style(f"{check.verdict:<5}", fg=colours[check.verdict])
        click.echo(f"{verdict} {check.name}: {check.says}")
    if failed:
        raise click.ClickException(f"{failed} to mend.")


@door.cli.group("outbox")
def outbox_commands() -> None:
    """What must go out: e-mails and other messages."""


@outbox_commands.command("list")
@click.option("--state", type=click.Choice([str(state) for state in MessageState]))
@click.option("--limit", type=click.IntRange(1, 1000), default=50, show_default=True)
def list_messages(state: str | None, limit: int) -> None:
    """Show messages, the newest first."""
    found = outbox.recent(state=MessageState(state) if state else None, limit=limit)
    for one in found:
        click.echo(_line(one))
    click.echo(f"{len(found)} messages shown.")


@outbox_commands.command("retry")
@click.argument("message_id", type=int, metavar="ID")
def retry(message_id: int) -> None:
    """Make a message due again that failed or waits for its next attempt."""
    if not outbox.retry(message_id):
        db.session.rollback()
        raise click.ClickException(f"No message {message_id} waits or has failed.")
    db.session.commit()
    click.echo(f"Message {message_id} is due again; the worker will send it.")


def _line(message: Any) -> str:
    line = (
        f"{message.id:>8}  {message.created_at:%Y-%m-%d %H:%M:%S}  {message.state:<8} "
        f"{message.kind:<8} attempts {message.attempts}  {message.key}"
    )
    return f"{line}  {message.last_error}" if message.last_error else line
