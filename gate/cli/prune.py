"""`spangate prune`: delete what is older than the project's retention, on the store itself."""

import time

import click
import rich_click

from gate.cli.store_command import with_gate
from gate.report.words import count


@rich_click.command()
@click.option("--project", default="default", show_default=True, help="Whose traces and runs.")
@click.option("--dry-run", is_flag=True, help="Only say what would be deleted.")
@click.option("--data", help="Directory of the SQLite database.")
def prune(project: str, dry_run: bool, data: str | None) -> None:
    """Delete expired traces and runs. Persistent traces are never touched."""
    result = with_gate(data, lambda gate: gate.prune(project, now_ns=time.time_ns(), dry_run=dry_run))
    verb = "would delete" if result.dry_run else "deleted"
    click.echo(
        f"{verb} {count(result.traces, 'trace')} ({count(result.spans, 'span')}) and {count(result.runs, 'run')}; "
        f"kept {result.persistent_kept:,} persistent"
    )
