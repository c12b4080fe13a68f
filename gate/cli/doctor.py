"""`spangate doctor`: whether the record store and the span store agree."""

import click
import rich_click

from gate.cli.store_command import with_gate


@rich_click.command()
@click.option("--repair", is_flag=True, help="Make the span store follow the records, and delete spans without one.")
@click.option("--data", help="Directory of the SQLite database.")
def doctor(repair: bool, data: str | None) -> int:
    """Compare the two stores: records and spans. Exit code 1 when they disagree and it was not, or cannot be, repaired."""
    result = with_gate(data, lambda gate: gate.examine(repair=repair))
    for one in result.disagreements:
        click.echo(f"{one.project}  {one.trace_id}  {one.problem}{' (repaired)' if one.repaired else ''}")
    left = [one for one in result.disagreements if not one.repaired]
    if not left:
        click.echo(f"The stores agree on {result.traces} traces.")
        return 0
    click.echo(f"The stores disagree on {len({(one.project, one.trace_id) for one in left})} of {result.traces} traces.")
    if not repair:
        click.echo("`spangate doctor --repair` repairs all but lost spans.")
    return 1
