"""Asks a person on the phone to press 1, so that a mailbox never answers for them.

Performed over FastAGI. Sounds that are not there are passed over: the question matters.
"""

from __future__ import annotations

from dataclasses import dataclass

import structlog

from cti.agi.server import AgiSession

log = structlog.get_logger(__name__)

_KEYS = "12"
_LONGEST = 30.0


@dataclass(frozen=True)
class Question:
    """What is asked: ``before``, then ``name`` or else the digits of ``number``, then ``ask``.

    Empty parts are left out. ``answer``: seconds to press a key after each of ``tries``.
    """

    ask: str
    before: str = ""
    name: str = ""
    number: str = ""
    tries: int = 2
    answer: float = 5.0


async def ask(agi: AgiSession, question: Question) -> str:
    """``1``, ``2``, or empty when neither was pressed. Raises the errors of the FastAGI server."""
    for _ in range(question.tries):
        if key := await _once(agi, question):
            return key
    return ""


async def accept(agi: AgiSession) -> None:
    """Tell the dialplan that 1 was pressed: the last thing said to it."""
    await agi.command("SET", "VARIABLE", "RINGDESK_ACCEPTED", "1")


async def _once(agi: AgiSession, question: Question) -> str:
    if key := await _play(agi, question.before):
        return key
    if key := await _say_who(agi, question):
        return key
    if key := await _play(agi, question.ask):
        return key
    milliseconds = round(question.answer * 1000)
    reply = await agi.command(
        "WAIT", "FOR", "DIGIT", milliseconds, timeout=question.answer + _LONGEST
    )
    return _key(reply.result)


async def _say_who(agi: AgiSession, question: Question) -> str:
    if question.name:
        reply = await agi.command("STREAM", "FILE", question.name, _KEYS, timeout=_LONGEST)
        if reply.endpos > 0 or _key(reply.result):
            return _key(reply.result)
    digits = "".join(char for char in question.number if char.isascii() and char.isdigit())
    if not digits:
        return ""
    reply = await agi.command("SAY", "DIGITS", digits, _KEYS, timeout=_LONGEST)
    return _key(reply.result)


async def _play(agi: AgiSession, sound: str) -> str:
    if not sound:
        return ""
    reply = await agi.command("STREAM", "FILE", sound, _KEYS, timeout=_LONGEST)
    if reply.endpos <= 0 and not _key(reply.result):
        log.warning("prompt_not_played", sound=sound)
    return _key(reply.result)


def _key(result: str) -> str:
    """The key in a reply, if it is one that counts."""
    key = chr(int(result)) if result.isdecimal() and 0 < int(result) < 128 else ""
    return key if key and key in _KEYS else ""
