"""Calls of a capture, printed for people and for programs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import msgspec

from cti.summary import CallSummary


def as_json(calls: Sequence[CallSummary]) -> str:
    """A JSON array with one object a call."""
    return msgspec.json.format(msgspec.json.encode(calls), indent=2).decode()


def as_text(calls: Sequence[CallSummary]) -> str:
    """One paragraph a call, one line for each thing that happened in it."""
    paragraphs = ["\n".join(_lines(call)) for call in calls]
    count = f"{len(calls)} call" + ("" if len(calls) == 1 else "s")
    return "\n\n".join([*paragraphs, count])


def _lines(call: CallSummary) -> Iterator[str]:
    yield f"{call.linkedid}  {call.direction}  {call.outcome or 'still open'}"
    for wait in call.waits:
        yield _line("wait", wait.queue, wait.seconds, wait.ended or "still waiting")
    for offer in call.offers:
        yield _line("offer", offer.agent, offer.seconds, offer.ended or "still ringing")
    for talk in call.talks:
        yield _line("talk", talk.agent, talk.seconds)
    for transfer in call.transfers:
        yield f"  {'transfer':<9} {transfer.kind} to {transfer.to or 'an unknown place'}"


def _line(what: str, who: str, seconds: float, ended: str = "") -> str:
    return f"  {what:<9} {who:<24} {seconds:>10.3f} s  {ended}".rstrip()
