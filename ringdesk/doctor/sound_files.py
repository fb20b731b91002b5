"""The two folders that the PBX and Ringdesk share: recordings, and prompts that were spoken.

Each is tried by the PBX itself, in a call of our own; the files made for it are removed.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import secrets
import shutil
import wave
from pathlib import Path

from ivr.settings import SpeechSettings
from recordings.settings import RecordingSettings
from ringdesk.doctor.check import Check, not_checked
from ringdesk.doctor.hook import Dialplan, no_call
from ringdesk.doctor.visit import Visit

FOLDER, BY_PBX, PROMPTS = "recordings folder", "recording by the PBX", "spoken prompts"
LEAST_FREE = 2 * 1024**3
"""Bytes: about 18 hours of talk."""
_WRITE_SECONDS = 2.0


def check_folder(settings: RecordingSettings) -> Check:
    """Whether Ringdesk may write and read in the recordings folder, and how much fits."""
    folder = settings.folder.absolute()
    if not settings.enabled:
        return Check(FOLDER, "ok", "recording is switched off")
    try:
        place = folder if folder.exists() else _nearest(folder)
        _try_to_write(place)
        free = shutil.disk_usage(place).free
    except OSError as error:
        said = f"{folder}: Ringdesk may not write there ({error.strerror})"
        return Check(FOLDER, "fail", said, f"{_make(folder)}\nand run this as Ringdesk's user")
    if not folder.exists():
        return Check(FOLDER, "fail", f"there is no folder {folder}", _make(folder))
    room = f"{free / 1e9:.0f} GB free, {free / 115e6:.0f} hours of talk"
    if free < LEAST_FREE:
        return Check(FOLDER, "warn", f"{folder}: only {room}", f"free some space on {folder}")
    return Check(FOLDER, "ok", f"{folder}: writable, {room}")


def _nearest(folder: Path) -> Path:
    return next(parent for parent in folder.parents if parent.exists())


def _try_to_write(folder: Path) -> None:
    if not folder.is_dir():
        raise NotADirectoryError(0, "it is no folder")
    probe = folder / f"ringdesk-doctor-{secrets.token_hex(6)}"
    probe.write_bytes(b"ringdesk")
    try:
        probe.read_bytes()
    finally:
        probe.unlink()


def _make(folder: Path, mode: str = "2770") -> str:
    return f"install -d -o ringdesk -g asterisk -m {mode} {folder}\nusermod -a -G asterisk ringdesk"


async def check_recording(
    visit: Visit, settings: RecordingSettings, dialplan: Dialplan | None, folder: Check
) -> Check:
    """Let the PBX record a tone the way talks are recorded, and look for the file here."""
    if not settings.enabled:
        return Check(BY_PBX, "ok", "recording is switched off")
    if folder.state == "fail":
        return not_checked(BY_PBX, "the recordings folder is not in order")
    if reason := no_call(visit, dialplan, "record"):
        return not_checked(BY_PBX, reason)
    if "MixMonitor" not in visit.allowed:
        return not_checked(BY_PBX, "the action MixMonitor is not to be had")
    name = f"ringdesk-doctor-{secrets.token_hex(6)}.wav"
    here = settings.folder.absolute() / name
    try:
        refused, there = await _record(visit, f"{settings.pbx_root}/{name}", here)
        if there:
            return _readable(here, str(settings.pbx_root))
        return _nothing_written(settings, refused)
    finally:
        with contextlib.suppress(OSError):
            here.unlink(missing_ok=True)


async def _record(visit: Visit, pbx_file: str, here: Path) -> tuple[str, bool]:
    async with visit.call("record") as call_id:
        refused = await _start(visit, call_id, pbx_file)
        there = not refused and await _appears(here)
    await asyncio.sleep(0.1)  # MixMonitor writes its last after the hang-up
    return refused, there


async def _start(visit: Visit, call_id: str, pbx_file: str) -> str:
    """Start MixMonitor; the call may need a moment to be there. Gives the last refusal."""
    for _ in range(20):
        reply = await visit.ask(
            "MixMonitor", ("Channel", call_id), ("File", ""), ("Options", f"r({pbx_file})")
        )
        if reply.ok:
            return ""
        await asyncio.sleep(0.05)
    return reply.message


async def _appears(file: Path) -> bool:
    deadline = asyncio.get_running_loop().time() + _WRITE_SECONDS
    while not file.exists():  # noqa: ASYNC240 - one look at the disk each time
        if asyncio.get_running_loop().time() > deadline:
            return False
        await asyncio.sleep(0.05)
    return True


def _readable(file: Path, pbx_root: str) -> Check:
    if os.access(file, os.R_OK):
        return Check(BY_PBX, "ok", f"what Asterisk records into {pbx_root} appears here, readable")
    said = f"what Asterisk records into {pbx_root} appears here, but Ringdesk may not read it"
    fix = f"usermod -a -G asterisk ringdesk\nchmod g+rws {file.parent}"
    return Check(BY_PBX, "fail", said, f"{fix}\nin asterisk.conf, under [options]: umask is 0027")


def _nothing_written(settings: RecordingSettings, refused: str) -> Check:
    if refused:
        said = f"Asterisk refuses to record (MixMonitor: {refused})"
        return Check(BY_PBX, "fail", said, "asterisk -rx 'module load app_mixmonitor.so'")
    said = (
        f"Asterisk was told to record into {settings.pbx_root}, and nothing appeared in"
        f" {settings.folder.absolute()}"
    )
    fix = (
        f"on the PBX, as Asterisk's user, `touch {settings.pbx_root}/x` must work and show up here:"
        " share the folder, give Asterisk the right to write, or correct under [recordings]:\n"
        'pbx_folder = "/the/folder/as/asterisk/sees/it"'
    )
    return Check(BY_PBX, "fail", said, fix)


async def check_prompts(
    visit: Visit, settings: SpeechSettings, dialplan: Dialplan | None, *, spoken: bool
) -> Check:
    """Let the PBX play a moment of silence from the folder of spoken prompts."""
    if not spoken:
        return Check(PROMPTS, "ok", "no menu has a text to speak")
    if reason := no_call(visit, dialplan, "prompt"):
        return not_checked(PROMPTS, reason)
    if not await asyncio.to_thread(settings.cache_folder.is_dir):
        said = f"there is no folder {settings.cache_folder.absolute()}"
        return Check(PROMPTS, "fail", said, _make(settings.cache_folder.absolute(), "2750"))
    name = f"ringdesk-doctor-{secrets.token_hex(6)}"
    here = settings.cache_folder / f"{name}.wav"
    pbx_folder = settings.pbx_cache_folder or str(settings.cache_folder.absolute())
    try:
        _write_silence(here)
        played = await _play(visit, f"{pbx_folder.rstrip('/')}/{name}")
    except OSError as error:
        said = f"{here.parent}: Ringdesk may not write there ({error.strerror})"
        return Check(PROMPTS, "fail", said, "set cache_folder under [ivr.speech] to another folder")
    finally:
        with contextlib.suppress(OSError):
            here.unlink(missing_ok=True)
    return judge_prompt(played, pbx_folder)


async def _play(visit: Visit, file: str) -> str:
    async with visit.call("prompt", [("__RINGDESK_PROMPT", file)]) as call_id:
        event = await visit.heard(
            lambda event: "PlaybackStatus" in event and event.get("Linkedid") == call_id, 3.0
        )
    return event.get("PlaybackStatus") if event else ""


def judge_prompt(played: str, pbx_folder: str) -> Check:
    """``played``: PLAYBACKSTATUS; empty: the PBX said nothing."""
    if played == "SUCCESS":
        return Check(PROMPTS, "ok", f"the PBX plays them from {pbx_folder}")
    if not played:
        return Check(PROMPTS, "unknown", "the PBX did not say whether it played one")
    said = f"the PBX cannot play from {pbx_folder}: callers would hear silence in the menus"
    fix = (
        "let Asterisk's user read it: every folder on the way needs `chmod o+x`, or put it"
        ' elsewhere under [ivr.speech]:\ncache_folder = "/var/spool/asterisk/ringdesk-prompts"'
    )
    return Check(PROMPTS, "fail", said, fix)


def _write_silence(file: Path) -> None:
    with wave.open(str(file), "wb") as sound:
        sound.setparams((1, 2, 8000, 0, "NONE", ""))
        sound.writeframes(bytes(320))
    file.chmod(0o644)
