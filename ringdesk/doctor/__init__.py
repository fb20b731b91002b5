"""``ringdesk doctor``: looks at an installation, on both sides, and changes nothing.

It connects to the PBX beside a running Ringdesk, listens for two seconds, and makes three short
calls between two ends of its own (Local channels of the context ``ringdesk-doctor``): one to
FastAGI, one that is recorded, one that hears a prompt. Nobody's phone rings.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace

from cti.ami.link import LinkLost
from cti.clock import now
from ringdesk.doctor import (
    access,
    callbacks,
    fastagi,
    hook,
    lean,
    managers,
    missed,
    queues,
    rights,
    sound_files,
    switch_facts,
    transfers,
    trunks,
)
from ringdesk.doctor.check import Check, not_checked
from ringdesk.doctor.site import Site, look_around
from ringdesk.doctor.speech import check_speech
from ringdesk.doctor.visit import Visit, visit
from ringdesk.settings import Settings
from ringdesk.snippets import hook_of, trunk_of

__all__ = ["Check", "examine"]

LISTEN_SECONDS = 2.0
_ON_PBX = (
    *(switch_facts.VERSION, switch_facts.CLOCK),
    *(rights.ACTIONS, rights.EVENTS, rights.TIMESTAMPS, lean.NAME),
    *(
        hook.HOOK,
        hook.WAY_IN,
        transfers.NAME,
        fastagi.NAME,
        sound_files.PROMPTS,
        sound_files.BY_PBX,
    ),
    *(queues.QUEUES, queues.MEMBERS, queues.PHONES, missed.NAME),
)


async def examine(settings: Settings, *, listen_seconds: float = LISTEN_SECONDS) -> list[Check]:
    """Look at everything; takes seconds. What cannot be looked at is a check that says so.

    ``listen_seconds``: how long to listen to each PBX at least. One after the other: the doctor
    itself may have to listen where they all call FastAGI.
    """
    speech = asyncio.create_task(check_speech(settings.recordings.speech))
    site = await look_around(settings)
    on_pbx: list[Check] = []
    for name in settings.switch_names:
        seen = settings.at(name)
        checks = await _examine_switch(seen, site.at(seen), listen_seconds)
        on_pbx += [of_switch(check, seen) for check in checks]
    own_calls = (managers.check_managers, callbacks.check_callbacks)
    own = [check for look in own_calls for check in look(settings, site)]
    return [*on_pbx, *own, *await speech, *site.checks]


def of_switch(check: Check, settings: Settings) -> Check:
    """Where there are several switches, each check says which one, and its cure too."""
    if not settings.switches:
        return check
    said, fix = check.said, check.fix
    if not settings.is_first:
        table = f"switches.{settings.switch}"
        said, fix = (t.replace("[ami]", f"[{table}.ami]") for t in (said, fix))
        fix = fix.replace("hook.agi_address", f"{table}.hook.agi_address")
        fix = fix.replace(
            "ringdesk asterisk-config", f"ringdesk asterisk-config --switch {settings.switch}"
        )
    return replace(check, said=said, fix=fix, switch=settings.switch)


async def _examine_switch(settings: Settings, site: Site, listen_seconds: float) -> list[Check]:
    folder = await asyncio.to_thread(sound_files.check_folder, settings.recordings)
    return [*await _examine_pbx(settings, site, folder, listen_seconds), folder]


async def _examine_pbx(
    settings: Settings, site: Site, folder: Check, listen_seconds: float
) -> list[Check]:
    try:
        async with visit(settings.ami) as link:
            ami = settings.ami
            said = f"logged in at {ami.host}:{ami.port} as {ami.username}"
            reached = Check(access.NAME, "ok", said)
            return [reached, *await _look(link, settings, site, folder, listen_seconds)]
    except (LinkLost, OSError) as error:
        there = access.why_not(error, settings)
    names = (*_ON_PBX, *([trunks.NAME] if settings.switches else []))
    return [there, *(not_checked(name, "there is no AMI link") for name in names)]


async def _look(
    link: Visit, settings: Settings, site: Site, folder: Check, listen_seconds: float
) -> list[Check]:
    began = asyncio.get_running_loop().time()
    sizes = await asyncio.to_thread(missed.sizes, settings.pbx_logs)
    facts = await _facts(link)
    actions = await rights.check_actions(link)
    await rights.provoke_user_event(link)
    plan = await hook.read_dialplan(link)
    calls = await asyncio.gather(
        fastagi.check_fastagi(link, settings.ivr, plan),
        sound_files.check_prompts(link, settings.ivr.speech, plan, spoken=site.speaks),
        sound_files.check_recording(link, settings.recordings, plan, folder),
    )
    needed = queues.Needed(site.queues(settings), site.phones)
    served = [*await queues.check_queues(link, needed), await queues.check_phones(link, needed)]
    dialplan = [
        hook.judge_hook(plan, hook_of(settings), site.menu_names),
        await hook.check_way_in(link),
        await transfers.check_transfers(link),
    ]
    await asyncio.sleep(began + listen_seconds - asyncio.get_running_loop().time())
    heard = await _what_was_heard(link, settings, began)
    if settings.switches:
        dialplan.append(await trunks.check_trunks(link, trunk_of(settings)))
    logs = await asyncio.to_thread(
        missed.check_logs, settings.pbx_logs, sizes if link.calls_made else None
    )
    asks = await managers.check_on_pbx(link, settings)
    return [*facts, actions, *heard, *dialplan, *calls, *asks, *served, *logs]


async def _facts(link: Visit) -> Sequence[Check]:
    settings = await link.ask("CoreSettings")
    before = now()
    ping = await link.ask("Ping")
    return (
        switch_facts.judge_version(settings.fields.get("AsteriskVersion", "")),
        switch_facts.judge_clock(ping.fields.get("Timestamp", ""), before, now()),
    )


async def _what_was_heard(link: Visit, settings: Settings, began: float) -> Sequence[Check]:
    """Judged last: by then our own calls have made events too."""
    file = await rights.read_manager_file(link, settings.ami.username)
    provoked = {"system", "user", *(["call"] if link.calls_made else [])}
    seconds = asyncio.get_running_loop().time() - began
    return (
        rights.judge_events(rights.proven_classes(link.events), provoked, file),
        rights.judge_timestamps(link.events),
        lean.judge_load(link.events, seconds),
    )
