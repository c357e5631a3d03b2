"""The operator's door of codes: `flask codes ...`."""

from __future__ import annotations

from pathlib import Path

import click
from flask import Blueprint

from accounts import audit, permissions
from campaigns import campaigns
from core import commands
from core import db as database
from core.db import db
from core.errors import DomainError
from core.jobs import JobState
from referrals import code_batches, code_list, codes, jobs_codes
from referrals.code_list import Search

door = permissions.guard(Blueprint("codes_cli", __name__, cli_group="codes"), permissions.MARKETER)


@door.cli.command("generate")
@click.option("--campaign", "slug", required=True, help="Slug of the campaign.")
@click.option("--count", type=click.IntRange(1, code_batches.MOST), required=True)
@click.option("--pattern", default=codes.DEFAULT_PATTERN, show_default=True,
              help="Each # is a random symbol.")  # fmt: skip
@click.option("--out", type=click.Path(path_type=Path, dir_okay=False), help="A file, one a line.")
def generate(slug: str, count: int, pattern: str, out: Path | None) -> None:
    """Make unique codes in bulk.  Interrupted, the worker goes on where it stopped."""
    _require_writable(out)
    with commands.committed():
        job = code_batches.create(slug, count, pattern, created_by="operator")
        job_id = job.id
    click.echo(f"Job {job_id}: {count:,} codes of {slug}", err=True)
    jobs_codes.run_job(job_id, on_part=lambda done: click.echo(f"{done:,} of {count:,}", err=True))
    state = code_batches.find(job_id).state
    db.session.rollback()
    if state is not JobState.DONE:
        raise click.ClickException(
            f"Job {job_id} is {state.value}; what was made stays, see `flask codes file {job_id}`."
        )
    _write(job_id, out)


@door.cli.command("file")
@click.argument("job_id", type=click.IntRange(1, 2**63 - 1))
@click.option("--out", type=click.Path(path_type=Path, dir_okay=False), help="A file, one a line.")
def write_file(job_id: int, out: Path | None) -> None:
    """Write down the codes that a job has made so far, sorted."""
    _require_writable(out)
    with commands.committed():
        code_batches.find(job_id)
        audit.record("code.export", "job", job_id, {"out": out.name if out else "-"})
    _write(job_id, out)


def _require_writable(out: Path | None) -> None:
    if out is not None and out.exists():
        raise click.ClickException(f"{out} exists already; name another file.")
    if out is not None and not out.parent.is_dir():  # said before there are codes to lose
        raise click.ClickException(f"There is no folder {out.parent}.")


def _write(job_id: int, out: Path | None) -> None:
    with database.reading():
        if out is None:
            for text in code_batches.texts(job_id):
                click.echo(text)
            return
        number = 0
        with out.open("w", encoding="utf-8") as file:
            for text in code_batches.texts(job_id):
                file.write(f"{text}\n")
                number += 1
    click.echo(f"{number} codes written to {out}")


@door.cli.command("list")
@click.option("--campaign", "slug", help="Only those of a campaign.")
@click.option("--search", "text", default="", help="Only those that hold this text.")
@click.option("--limit", type=click.IntRange(1, 100_000), default=1000, show_default=True)
def show(slug: str | None, text: str, limit: int) -> None:
    """Print codes, the newest first: code, campaign, ambassador, state, uses."""
    try:
        campaign_id = campaigns.get(slug).id if slug else None
    except DomainError as error:
        raise click.ClickException(error.detail) from None
    for row in code_list.page(Search(text=text, campaign_id=campaign_id), limit=limit):
        owner = row.ambassador or "-"
        click.echo(f"{row.text}\t{row.campaign}\t{owner}\t{row.status.value}\t{row.used}")
