"""Whom to call for whom, what speaks against it, and what a day may cost."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from callqueue.manager.choice import MINUTE, Billed, Person, Presence, absent, people, spent_up
from callqueue.manager.settings import Deputy, ManagerSettings
from cti.domain.events import CustomerRef

VERA = Deputy(of="104", name="Vera", extension="105", mobile="07700 900105")
ANYBODY = Deputy(of="*", name="Olga", mobile="07700 900106")


def e164(written: str) -> str:
    digits = "".join(filter(str.isdigit, written))
    return f"+44{digits[1:]}" if digits else ""


def named(customer: CustomerRef, *deputies: Deputy) -> list[tuple[str, str, str, bool]]:
    settings = ManagerSettings(classes=("VIP",), deputies=deputies)
    found = people(customer, settings, e164, ["PJSIP/104", "PJSIP/105", "PJSIP/1041"])
    return [(p.name, p.told_as, p.number, p.deputy) for p in found]


def test_the_manager_first_then_the_deputies() -> None:
    customer = CustomerRef(
        id=1, name="C", owner_name="Pavel", owner_extension="104", owner_mobile="07700 900104"
    )
    assert named(customer, ANYBODY, VERA) == [
        ("Pavel", "PJSIP/104", "+447700900104", False),
        ("Olga", "Olga", "+447700900106", True),
        ("Vera", "PJSIP/105", "+447700900105", True),
    ]


def test_a_manager_without_a_desk_phone_is_told_by_name() -> None:
    customer = CustomerRef(id=1, name="C", owner_name="Pavel", owner_mobile="07700 900104")
    assert named(customer, VERA) == [("Pavel", "Pavel", "+447700900104", False)]


def test_a_deputy_is_not_called_for_themselves() -> None:
    customer = CustomerRef(id=1, name="C", owner_name="Olga", owner_extension="106")
    assert [name for name, *_ in named(customer, ANYBODY)] == ["Olga"]


def test_without_a_manager_nobody_is_called() -> None:
    assert named(CustomerRef(id=1, name="C", owner_mobile="07700 900104"), ANYBODY) == []


REACHED = Person("Pavel", "PJSIP/104", "+447700900104", "07700 900104")


@pytest.mark.parametrize(
    ("person", "presence", "called_now", "reason"),
    [
        (REACHED, Presence(), False, ""),
        (REACHED, Presence("offline", "unreachable"), False, ""),
        (REACHED, Presence("wrap_up"), False, ""),
        (REACHED, Presence("break"), False, "on a break"),
        (REACHED, Presence("available", "talking"), False, "talks on another call"),
        (REACHED, Presence("available", "on_hold"), False, "talks on another call"),
        (REACHED, Presence("available", "ringing"), False, "their phone rings for another call"),
        (REACHED, Presence(), True, "already called for another customer"),
        (Person("P", "", "", ""), Presence(), False, "no mobile on the card"),
        (Person("P", "", "", "ask Eva"), Presence(), False, '"ask Eva" is no number of a mobile'),
    ],
)
def test_what_speaks_against_a_call(
    person: Person, presence: Presence, called_now: bool, reason: str
) -> None:
    assert absent(person, presence, called_now=called_now) == reason


def test_begun_minutes_are_counted_and_rings_are_not() -> None:
    assert Billed(0, None, None).minutes(10 * MINUTE) == 0
    assert Billed(0, MINUTE, MINUTE + 1).minutes(10 * MINUTE) == 1
    assert Billed(0, MINUTE, 3 * MINUTE).minutes(10 * MINUTE) == 2
    assert Billed(0, MINUTE, None).minutes(10 * MINUTE) == 9


@pytest.mark.parametrize(
    ("limits", "reason"),
    [
        ({}, ""),
        ({"most_calls": 3}, ""),
        ({"most_calls": 2}, "2 calls to mobiles today, the limit is 2"),
        ({"most_calls": 0}, ""),
        ({"most_minutes": 3}, "3 minutes to mobiles today, the limit is 3"),
        ({"most_minutes": 3.5}, ""),
        (
            {"most_cost": 1, "cost_per_call": 0.1, "cost_per_minute": 0.3},
            "calls to mobiles cost 1 today, the limit is 1",
        ),
        ({"most_cost": 1.01, "cost_per_call": 0.1, "cost_per_minute": 0.3}, ""),
    ],
)
def test_the_limits_of_a_day(limits: dict[str, float], reason: str) -> None:
    settings = ManagerSettings(classes=("VIP",), **limits)
    day = [Billed(0, 0, 3 * MINUTE), Billed(0, None, None)]
    assert spent_up(day, settings, 10 * MINUTE) == reason


@pytest.mark.parametrize(
    "dial", ["PJSIP/trunk", "{number}", "PJSIP/{number}&PJSIP/{number}", "a b"]
)
def test_a_template_without_a_place_for_the_number_is_refused(dial: str) -> None:
    with pytest.raises(ValidationError, match="no channel with a place for the number"):
        ManagerSettings(dial=dial)


def test_only_named_classes_and_queues_get_it() -> None:
    settings = ManagerSettings(classes=(" vip ",), queues=("support",))
    assert settings.enabled
    assert settings.serves("VIP", "support")
    assert not settings.serves("VIP", "sales")
    assert not settings.serves("Gold", "support")
    assert not ManagerSettings().enabled
