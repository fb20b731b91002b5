"""What the Asterisk is and what time it has. Pure."""

from __future__ import annotations

import re

from cti.ami.facts import UnreadableMessage, parse_timestamp
from cti.domain.events import Micros
from cti.versions import can_move_waiting_callers
from ringdesk.doctor.check import Check

VERSION, CLOCK = "Asterisk version", "clock"

OLDEST = 16
"""The oldest Asterisk that Ringdesk is tested with."""
SKEW_NOTICED = 1_000_000
SKEW_TOO_LARGE = 30_000_000
_SYNCHRONISE = "on both machines: timedatectl set-ntp true"


def judge_version(version: str) -> Check:
    """``version`` as CoreSettings tells it."""
    major = re.match(r"(?:certified[-/])?(\d+)\.", version)
    if not version:
        return Check(VERSION, "unknown", "Asterisk does not tell its version")
    if major and int(major[1]) < OLDEST:
        said = f"{version}: older than {OLDEST}, with which nothing was tested"
        return Check(VERSION, "warn", said, "upgrade Asterisk to 22 (or 20.5 and later)")
    if not can_move_waiting_callers(version):
        said = (
            f"{version}: it cannot move callers who wait (no Immediate). Who comes through a menu"
            " of Ringdesk joins at their place, as far as they are known then. Lost are: a VIP who"
            " is recognised later, targets and ceilings of the policy, moving somebody by hand"
        )
        return Check(VERSION, "warn", said, "upgrade Asterisk to 18.20, 20.5, 21 or later")
    return Check(VERSION, "ok", f"{version}: waiting callers can be moved")


def judge_clock(pbx_stamp: str, before: Micros, after: Micros) -> Check:
    """``pbx_stamp``: the PBX's time, asked between ``before`` and ``after`` of our clock."""
    try:
        theirs = parse_timestamp(pbx_stamp)
    except UnreadableMessage:
        return Check(CLOCK, "unknown", "the PBX does not tell its time")
    skew = theirs - max(before, min(theirs, after))  # zero when it lies between
    if abs(skew) < SKEW_NOTICED:
        return Check(CLOCK, "ok", f"the PBX and this machine agree to {_ms(skew, after - before)}")
    said = f"the PBX's clock is {abs(skew) / 1e6:.1f} s {'ahead' if skew > 0 else 'behind'}: "
    if abs(skew) < SKEW_TOO_LARGE:
        return Check(CLOCK, "warn", said + "waits on the screens are off by that", _SYNCHRONISE)
    return Check(CLOCK, "fail", said + "waits and the history would be wrong", _SYNCHRONISE)


def _ms(skew: Micros, uncertainty: Micros) -> str:
    return f"{max(1, round((abs(skew) + uncertainty) / 1000))} ms"
