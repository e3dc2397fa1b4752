"""`python -m training models COMMAND`: the registry's state and moves."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

import click

from segmentation.errors import GateRefusedError, ModelError, SignatureError, UnknownAliasError, UnknownVersionError
from segmentation.opening import open_signed, proved
from segmentation.registry import open_store
from segmentation.settings import load as load_settings
from training.import_cli import import_pipeline
from training.options import OUT, Example, a_path, alias_option, registry_option
from training.signing import generate

if TYPE_CHECKING:
    from pathlib import Path

    from segmentation.card import Card
    from segmentation.registry import Registry


@click.group()
def models() -> None:
    """The registry's state and moves."""


@models.command("list", cls=Example, epilog="python -m training models list --registry models")
@registry_option
@alias_option
def list_models(url: str, alias: str) -> None:
    """List the versions, which is live, and the alias's history."""
    from training import summary

    registry = open_signed(url, load_settings())
    moves = registry.moves(alias)
    cards: dict[str, Card | str] = {}
    for version in registry.versions():
        # What is pruned meanwhile is not there.
        with suppress(UnknownVersionError):
            cards[version] = _readable(registry, version)
    if not cards:
        OUT.print(f"no model is published at {registry.url}")
        return
    summary.print_versions(OUT, cards, {alias: moves[-1].version} if moves else {})
    OUT.print()
    if moves:
        summary.print_moves(OUT, moves)
    else:
        OUT.print(f"{alias} has never been moved to any of them")


@models.command(cls=Example, epilog="python -m training models show --registry models")
@registry_option
@alias_option
@click.argument("version", required=False)
@click.option("--json", "as_json", is_flag=True, help="Print the model card.")
def show(url: str, alias: str, version: str | None, as_json: bool) -> None:
    """Show a version; without one, the live one."""
    from training import summary

    registry = open_signed(url, load_settings())
    chosen = version or registry.live(alias).version
    if as_json:
        click.echo(registry.read_card(chosen).decode(), nl=False)
    else:
        summary.print_card(OUT, registry.card(chosen))


@models.command(
    cls=Example,
    epilog="python -m training models promote --registry models 20261122T033000Z-0a1b2c3d --why 'campaign starts'",
)
@registry_option
@alias_option
@click.argument("version")
@click.option("--why", help="For the history. Default: promoted by hand.")
@click.option("--force", is_flag=True, help="Even if the gate refused it; needs --why.")
def promote(url: str, alias: str, version: str, why: str | None, force: bool) -> None:
    """Make a published version live, once it has proved itself."""
    from training import publish
    from training.retraining_summary import is_refused

    registry = open_signed(url, load_settings(), writing=True)
    card, moves = registry.card(version), registry.moves(alias)
    refused = is_refused(card)
    if card.gate is not None and refused and not (force and why and why.strip()):
        raise GateRefusedError(
            f"the gate refused {version}: {publish.refusal(card.gate)}",
            hint="--force with --why '…' makes it live all the same; both are kept in the history",
        )
    # Whoever was live here before had its ids here; of others nobody compared the segments with the live ones.
    compared_with = None if card.gate is None else card.gate.predecessor
    stranger = bool(moves) and version not in {move.version for move in moves} and compared_with != moves[-1].version
    if stranger and not (force and why and why.strip()):
        raise GateRefusedError(
            f"{version} was never compared with {moves[-1].version}, which is live as {alias!r}: ids may mean others",
            hint="train against this alias; --force with --why '…' makes it live all the same",
        )
    _promote(registry, alias, version, why or "promoted by hand", forced=refused or stranger)


@models.command(cls=Example, epilog="python -m training models rollback --registry models --why 'wrong data'")
@registry_option
@alias_option
@click.option("--why", default="rolled back by hand", show_default=True, help="For the history.")
def rollback(url: str, alias: str, why: str) -> None:
    """Make the version live that was live before the present one; again, and it goes back one further."""
    registry = open_signed(url, load_settings(), writing=True)
    present, earlier = registry.live(alias).version, registry.previous(alias)
    if earlier is None:
        raise UnknownAliasError(
            f"{alias!r} has no earlier version to go back to", hint="promote a version: `models list` shows them"
        )
    _promote(registry, alias, earlier, why)
    OUT.print(f"instead of {present}")


@models.command(cls=Example, epilog="python -m training models prune --registry models --keep 10 --dry-run")
@registry_option
@click.option(
    "--keep",
    default=5,
    show_default=True,
    type=click.IntRange(min=1),
    help="Newest versions, and last moves of each alias.",
)
@click.option("--incomplete", is_flag=True, help="Versions without a card as well; only while no job publishes.")
@click.option("--dry-run", is_flag=True, help="Say what would be deleted, and delete nothing.")
def prune(url: str, keep: int, incomplete: bool, dry_run: bool) -> None:
    """Delete versions that are older than the newest and that no alias needs."""
    from training import pruning

    registry, store = open_signed(url, load_settings()), open_store(url)
    planned = pruning.plan(registry, store, keep)
    doomed = planned.doomed(incomplete=incomplete)
    for version, need in planned.kept.items():
        OUT.print(f"{version}  kept: {need}")
    if planned.incomplete and not incomplete:
        OUT.print(f"{len(planned.incomplete)} without a card kept: --incomplete deletes them")
    if not doomed:
        OUT.print("nothing to delete")
    for version in doomed:
        if dry_run:
            OUT.print(f"{version}  would be deleted")
        else:
            gone = pruning.delete(registry, store, planned, version)
            OUT.print(f"{version}  {'deleted' if gone else 'kept: it came into use'}")


@models.command(cls=Example, epilog="python -m training models keygen --out keys")
@click.option("--out", required=True, callback=a_path, metavar="DIR", help="The folder for the two files.")
def keygen(out: Path) -> None:
    """Make a key pair: the job signs with one half, the service trusts the other."""
    private, public = generate(out)
    OUT.print(f"{private}  for the job alone: SEGMENTATION_SIGNING_KEY_FILE")
    OUT.print(f"{public}  for the service and the job: SEGMENTATION_PUBLIC_KEY_FILE")


models.add_command(import_pipeline)


def _promote(registry: Registry, alias: str, version: str, why: str, *, forced: bool = False) -> None:
    from training import publish

    proved(registry, version)
    moves = registry.moves(alias)
    # Of a latest move that cannot be trusted, moves() knows nothing: it is moved on from.
    if moves and moves[-1].sequence == registry.sequence(alias) and moves[-1].version == version:
        OUT.print(f"{version} is live as {alias} already (move {moves[-1].sequence})")
        return
    move = publish.promote(registry, alias, version, why, forced=forced)
    OUT.print(f"{move.version} is live as {move.alias} (move {move.sequence}{', forced' if forced else ''})")


def _readable(registry: Registry, version: str) -> Card | str:
    """The card, or why this release cannot use it: one bad version must not hide the others."""
    try:
        return registry.card(version)
    except SignatureError:
        return "signature not trusted"
    except ModelError:
        return "its card cannot be read"
