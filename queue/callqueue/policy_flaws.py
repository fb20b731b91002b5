"""What is wrong between the keys of a policy file whose keys are right one by one. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from itertools import pairwise

from callqueue.caller_class import CallerClass, Condition
from callqueue.policy import Policy
from cti.config_files import did_you_mean


@dataclass(frozen=True, slots=True)
class Flaw:
    """A rule that cannot work: ``path`` of the key in the file, what is wrong, the cure."""

    path: tuple[str | int, ...]
    reason: str
    cure: str


def flaws(policy: Policy, calendars: Collection[str] = ()) -> Iterator[Flaw]:
    """Everything that is wrong. ``calendars``: the names of those there are."""
    names = [c.name for c in policy.classes]
    if policy.default not in names:
        near = did_you_mean(policy.default, names)
        yield Flaw(("default",), f'no class is named "{policy.default}"', near)
    for name, times in Counter(names).items():
        if times > 1:
            second = names.index(name, names.index(name) + 1)
            reason = f'two classes are named "{name}"'
            yield Flaw(("class", second, "name"), reason, "give each a name of its own")
    for i, c in enumerate(policy.classes):
        yield from _flaws_of_condition(i, c, is_default=c.name == policy.default)
        yield from _flaws_of_numbers(i, c, policy)
        if c.hours and c.hours not in calendars:
            reason = f'there is no calendar "{c.hours}"'
            cure = did_you_mean(c.hours, calendars) or "put it into the folder of calendars"
            yield Flaw(("class", i, "hours"), reason, cure)


def _flaws_of_condition(i: int, c: CallerClass, *, is_default: bool) -> Iterator[Flaw]:
    path = ("class", i)
    if is_default:
        for key in ("when", "queues", "hours"):
            given = not c.is_for_all if key == "when" else getattr(c, key)
            if given:
                reason = "the default class is for everybody who fits no other"
                yield Flaw((*path, key), reason, f"remove {key}, or name another class as default")
    elif c.is_for_all:
        yield Flaw(
            (*path, "name"),
            f'class "{c.name}" does not say who belongs to it',
            'add: when = { tier = ["gold"] }',
        )
    if isinstance(c.when, Condition) and c.when.match == ["late"]:
        reason = "who is late is not known yet and belongs to the default class"
        yield Flaw((*path, "when", "match"), reason, "remove this class")


def _flaws_of_numbers(i: int, c: CallerClass, policy: Policy) -> Iterator[Flaw]:
    path = ("class", i)
    ceiling = c.ceiling or policy.ceiling
    if c.urgency and not c.target:
        yield Flaw((*path, "urgency"), "urgency needs a target", "add: target = 30")
    if not ceiling and any(other.urgency for other in policy.classes):
        reason = "it has no ceiling, and with the urgency of others it might wait for ever"
        cure = "add ceiling = 1800 here, or above all classes for every one of them"
        yield Flaw((*path, "name"), reason, cure)
    if ceiling and c.target and ceiling <= c.target:
        key = "ceiling" if c.ceiling else "target"
        reason = f"the ceiling of {ceiling} s comes before the target of {c.target} s"
        yield Flaw((*path, key), reason, "make the ceiling longer than the target")
    if not ceiling and (c.rings or c.reserve.last_agent or c.reserve.manager):
        key = "rings" if c.rings else "reserve"
        reason = "it has no ceiling, and kept for few it might wait for ever"
        yield Flaw((*path, key), reason, "add ceiling = 600")
    for k, (before, ring) in enumerate(pairwise(c.rings), start=1):
        if ring.after <= before.after:
            reason = f"this ring begins after {ring.after} s, the one before after {before.after} s"
            yield Flaw((*path, "rings", k, "after"), reason, "put the rings in the order of time")
