"""`python -m service keys COMMAND`: make, list and revoke API keys."""

from pathlib import Path

import click

from service import keys as api_keys
from service.keys import SCOPES, Scope

_file = click.option(
    "--file",
    "path",
    required=True,
    envvar="SEGMENTATION_API_KEYS_FILE",
    type=click.Path(path_type=Path, dir_okay=False),
    help="The file of keys. Default: SEGMENTATION_API_KEYS_FILE.",
)


@click.group()
def keys() -> None:
    """API keys: who may call the service. A running service sees a change within a second."""


@keys.command(epilog="Example: python -m service keys new --name crm --scope predict --scope read --file keys.json")
@_file
@click.option("--name", required=True, help="Whose key it is; stands in the service's log.")
@click.option(
    "--scope", "scopes", required=True, multiple=True, type=click.Choice(SCOPES),
    help="predict: POST /predict; read: everything else that is not open. May be given twice.",
)  # fmt: skip
def new(path: Path, name: str, scopes: tuple[Scope, ...]) -> None:
    """Make a key. It is printed once; the file keeps its digest alone."""
    click.echo(api_keys.add(path, name, tuple(dict.fromkeys(scopes))))
    click.echo(f"{name} may {' and '.join(dict.fromkeys(scopes))}; the key above is shown this once only", err=True)


@keys.command("list", epilog="Example: python -m service keys list --file keys.json")
@_file
def list_keys(path: Path) -> None:
    """List the keys' names, scopes and ages."""
    known = api_keys.read(path)
    width = max((len(key.name) for key in known), default=0)
    for key in known:
        click.echo(f"{key.name:{width}}  {key.created_at:%Y-%m-%d}  {', '.join(key.scopes)}")
    if not known:
        click.echo(f"{path} has no keys: nobody may call the service", err=True)


@keys.command(epilog="Example: python -m service keys revoke crm --file keys.json")
@_file
@click.argument("name")
def revoke(path: Path, name: str) -> None:
    """Take a key out of the file: whoever has it is let in no more."""
    api_keys.revoke(path, name)
    click.echo(f"{name} is revoked", err=True)
