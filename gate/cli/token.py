"""`spangate token`: create, list and delete the tokens of a project, on the store itself."""

import click
import rich_click

from gate.cli.store_command import with_gate

SCOPES = ("ingest", "read", "review", "admin")


@rich_click.group()
def token() -> None:
    """Tokens for clients: what they may do, in which project."""


@token.command()
@click.argument("name")
@click.option("--project", default="default", show_default=True, help="The project that the token decides.")
@click.option("--scope", "scopes", multiple=True, type=click.Choice(SCOPES), help="Repeat for several (default ingest, read).")
@click.option("--data", help="Directory of the SQLite database.")
def create(name: str, project: str, scopes: tuple[str, ...], data: str | None) -> None:
    """Make a token. Its secret is printed this once; only a hash is stored."""
    _, secret = with_gate(data, lambda gate: gate.create_token(project, name, scopes or ("ingest", "read")))
    click.echo(secret)


@token.command("list")
@click.option("--project", default="default", show_default=True, help="The project of the token.")
@click.option("--data", help="Directory of the SQLite database.")
def list_tokens(project: str, data: str | None) -> None:
    """The tokens of a project: id, name, scopes, when made."""
    for each in with_gate(data, lambda gate: gate.tokens(project)):
        click.echo(f"{each.id}  {each.name}  {','.join(each.scopes)}  {each.created_at}")


@token.command()
@click.argument("token_id")
@click.option("--project", default="default", show_default=True, help="The project of the token.")
@click.option("--data", help="Directory of the SQLite database.")
def delete(token_id: str, project: str, data: str | None) -> None:
    """Delete a token; it is refused from then on."""
    with_gate(data, lambda gate: gate.delete_token(project, token_id))
