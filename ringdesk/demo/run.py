"""``ringdesk demo``: the world, the robots, and what the person in front of it is told."""

from __future__ import annotations

import asyncio
import contextlib
import json
import shutil
import signal
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Literal

import typer

from ringdesk import logs
from ringdesk.demo.asterisk import AsteriskFailed
from ringdesk.demo.call import CallFailed
from ringdesk.demo.phone import RegistrationFailed
from ringdesk.demo.prefix import PrefixUnavailable, default_cache, ensure_prefix
from ringdesk.demo.robots import Lines, Robots
from ringdesk.demo.story import Story, play_replay_story, play_story
from ringdesk.demo.world import (
    PASSWORD,
    USERS,
    DemoFailed,
    World,
    asterisk_world,
    replay_world,
)
from ringdesk.server import StartFailed

Pbx = Literal["asterisk", "replay"]

CAPTURES = Path(__file__).with_name("recorded")
_EXPECTED = (
    PrefixUnavailable,
    AsteriskFailed,
    CallFailed,
    RegistrationFailed,
    DemoFailed,
    StartFailed,
)


def run_demo(pbx: Pbx, port: int) -> int:
    """Run until Ctrl-C; the exit status."""
    logs.set_up(level="error")
    try:
        asyncio.run(_until_told(pbx, port))
    except _EXPECTED as error:
        return _explain(error, pbx)
    typer.echo("Stopped. Nothing is left running.")
    return 0


def run_once(pbx: Pbx, as_json: bool) -> int:
    """Play the fixed scenario; exit status 0 only if all of it happened."""
    logs.set_up(level="error")
    try:
        story = asyncio.run(_play(pbx, quiet=as_json))
    except _EXPECTED as error:
        return _explain(error, pbx)
    if as_json:
        typer.echo(json.dumps(story.as_dict(), indent=2, ensure_ascii=False))
    else:
        for step in story.steps:
            typer.echo(f"{'ok  ' if step.ok else 'FAIL'} {step.seconds:5.1f} s  {step.said}")
    return 0 if story.ok else 1


def _explain(error: BaseException, pbx: Pbx) -> int:
    typer.echo(f"The demo cannot run: {error}", err=True)
    if pbx == "asterisk" and isinstance(error, PrefixUnavailable | AsteriskFailed):
        typer.echo(
            "Without an Asterisk you can still look around with the built-in replay PBX, which"
            " plays recorded calls:\n    ringdesk demo --pbx replay",
            err=True,
        )
    return 1


async def _play(pbx: Pbx, *, quiet: bool) -> Story:
    def progress(text: str) -> None:
        typer.echo(text, err=quiet)

    async with _folder() as folder:
        if pbx == "replay":
            async with replay_world(folder, captures()) as world:
                return await play_replay_story(world)
        async with asterisk_world(folder, progress=progress, wrap_up=30) as world:
            return await play_story(world)


async def _until_told(pbx: Pbx, port: int) -> None:
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    async with _folder() as folder, _world(pbx, folder, port) as world:
        _welcome(world)
        running = [asyncio.create_task(stop.wait(), name="told"), world.task]
        if world.asterisk is not None:
            lines = Lines(folder / "lines", world.settings.ivr.speech.command)
            running.append(asyncio.create_task(_robots(world, lines), name="robots"))
        done, rest = await asyncio.wait(running, return_when=asyncio.FIRST_COMPLETED)
        for task in rest - {world.task}:
            task.cancel()
        await asyncio.gather(*rest - {world.task}, return_exceptions=True)
        for task in done:
            task.result()


@contextlib.asynccontextmanager
async def _world(pbx: Pbx, folder: Path, port: int) -> AsyncIterator[World]:
    if pbx == "replay":
        async with replay_world(folder, captures(), port=port) as world:
            yield world
    else:
        await asyncio.to_thread(ensure_prefix, default_cache(), typer.echo)
        async with asterisk_world(folder, port=port, wrap_up=8, progress=typer.echo) as world:
            yield world


async def _robots(world: World, lines: Lines) -> None:
    phones = [user.agent for user in USERS if user.agent]
    robots = Robots(world, lines)
    async with asyncio.TaskGroup() as group:
        group.create_task(robots.run([phone.partition("/")[2] for phone in phones]))
        await robots.registered.wait()
        for phone in phones:
            await world.server.services.availability.set(phone, "available")


def captures() -> list[Path]:
    """The recorded calls which the replay PBX plays."""
    return sorted(CAPTURES.glob("*.ami"))


@contextlib.asynccontextmanager
async def _folder() -> AsyncIterator[Path]:
    folder = Path(tempfile.mkdtemp(prefix="ringdesk-demo-"))
    try:
        yield folder
    finally:
        await asyncio.to_thread(shutil.rmtree, folder, True)


def _welcome(world: World) -> None:
    typer.echo(f"\nRingdesk is running. Open  {world.address}\n")
    typer.echo(f"  {'log in as':<14}{'password':<16}")
    for user in USERS:
        what = f"{user.role}, {user.name}"
        if user.agent:
            what += f" at phone {user.agent.partition('/')[2]}; a robot picks it up for you"
        typer.echo(f"  {user.username:<14}{PASSWORD:<16}{what}")
    if world.asterisk is None:
        typer.echo("\nThe replay PBX plays recorded calls: you see, but cannot change them.")
    else:
        typer.echo("\nRobot customers are calling a real Asterisk: watch the desk as anna.")
    typer.echo("Ctrl-C stops everything.\n")
