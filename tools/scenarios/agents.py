"""Calls that agents make."""

from __future__ import annotations

from capture_rig import BUSY, OUTSIDE, SILENT, UNKNOWN, Rig

from cti.summary import CallSummary
from scenarios.base import (
    answer,
    call,
    offer,
    over,
    pause,
    scenario,
    talk,
)


@scenario()
async def agent_calls_agent(rig: Rig) -> list[CallSummary]:
    asking = await rig.phones["101"].call("102")
    asked = await rig.rings("102")
    await pause()
    await answer(asked)
    await pause()
    await asking.hangup()
    await over(asked)
    return [
        call(
            "internal",
            "answered",
            offer("102", asked, "answered"),
            talk("102", asked.answered_at, asking.ended_at),
        )
    ]


@scenario()
async def agent_calls_busy_agent(rig: Rig) -> list[CallSummary]:
    asking = await rig.phones["101"].call("102")
    asked = await rig.rings("102")
    await pause()
    await asked.reject(486)
    await over(asking)
    return [call("internal", "busy", offer("102", asked, "rejected"))]


@scenario()
async def agent_calls_absent_agent(rig: Rig) -> list[CallSummary]:
    asking = await rig.phones["101"].call("102")
    asked = await rig.rings("102")
    await pause()
    await asking.hangup()
    await over(asked)
    return [call("internal", "no_answer", offer("102", asked, "cancelled"))]


@scenario()
async def agent_calls_out(rig: Rig) -> list[CallSummary]:
    dialling = await rig.phones["101"].call(OUTSIDE)
    far = await rig.outside()
    await pause()
    await answer(far)
    await pause()
    await far.hangup()
    await over(dialling)
    return [call("outbound", "answered", talk("101", far.answered_at, far.ended_at))]


@scenario()
async def agent_calls_busy_number(rig: Rig) -> list[CallSummary]:
    await over(await rig.phones["101"].call(BUSY))
    return [call("outbound", "busy")]


@scenario()
async def agent_calls_unknown_number(rig: Rig) -> list[CallSummary]:
    await over(await rig.phones["101"].call(UNKNOWN))
    return [call("outbound", "failed")]


@scenario()
async def agent_gives_up_dialling(rig: Rig) -> list[CallSummary]:
    dialling = await rig.phones["101"].call(SILENT)
    far = await rig.outside()
    await pause()
    await dialling.hangup()
    await over(far)
    return [call("outbound", "no_answer")]
