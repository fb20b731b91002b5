from __future__ import annotations

import asyncio

import pytest

from cti.config_files import ConfigFileError
from cti.file_watch import FileWatcher
from ivr.book import MenuBook

from .conftest import Write

PLAY = 'title = "{}"\n[step.p]\ndo = "play"\nprompt = {{ sound = "bye" }}\ngo = "hang up"\n'


def watcher_of(book: MenuBook) -> FileWatcher:
    return FileWatcher(book.places, book.reload, book.settings.reload_seconds)


def test_the_last_good_menus_stay_in_force(write: Write) -> None:
    settings = write(main=PLAY.format("one"))
    book = MenuBook.load(settings)
    before = book.current
    write(main='title = "two"\n[step.p]\ndo = "pla"\n')
    problems = book.reload()
    assert book.current is before
    assert [problem.line for problem in problems] == [3]
    assert book.problems == problems
    write(main=PLAY.format("three"))
    assert book.reload() == ()
    assert book.problems == ()
    assert book.current.menus["main"].title == "three"


def test_a_broken_folder_is_refused_at_the_start(write: Write) -> None:
    with pytest.raises(ConfigFileError, match=r"main.toml:1: title: invalid value"):
        MenuBook.load(write(main="title = one"))


async def test_the_watcher_reloads_what_changed_and_only_then(write: Write) -> None:
    settings = write(main=PLAY.format("one"))
    book = MenuBook.load(settings)
    watcher = watcher_of(book)
    first = book.current
    assert not await watcher.look()
    assert book.current is first
    write(vip=PLAY.format("a new one"))
    assert await watcher.look()
    assert sorted(book.current.menus) == ["main", "vip"]
    (settings.menus_folder / "vip.toml").unlink()
    assert await watcher.look()
    assert sorted(book.current.menus) == ["main"]
    (settings.calendars_folder / "office.toml").write_text("broken")
    assert await watcher.look()
    assert book.problems
    assert not await watcher.look()


async def test_the_watcher_runs_on_through_errors(write: Write) -> None:
    book = MenuBook.load(write(main=PLAY.format("one")))
    task = asyncio.create_task(watcher_of(book).run())
    async with asyncio.timeout(10):
        write(main="broken")
        while not book.problems:
            await asyncio.sleep(0.01)
        write(main=PLAY.format("mended"))
        while book.current.menus["main"].title != "mended":
            await asyncio.sleep(0.01)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
