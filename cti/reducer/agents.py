"""What agents' phones do: computed from their legs after each fact."""

from __future__ import annotations

from cti.domain.book import Leg, Phone
from cti.domain.events import Activity, Micros
from cti.domain.facts import DeviceState, MemberStatus, SnapshotBegan, SnapshotTaken
from cti.reducer import calls, optimisation, talks
from cti.reducer.state import State

# A phone with several legs shows what its person attends to: a held caller comes last.
_RANK: dict[Activity, int] = {"talking": 4, "dialling": 3, "ringing": 2, "on_hold": 1}

_TECHNOLOGIES = ("PJSIP", "SIP", "IAX2", "SCCP", "DAHDI")

# State interfaces that name no phone.
_NO_PHONE = ("Local/", "hint:", "Custom:")


def phone(state: State, interface: str) -> Phone:
    """The agent's phone; from now on the interface is known to be an agent's."""
    found = state.book.phones.get(interface)
    if found is None:
        found = state.book.phones[interface] = Phone(interface)
    return found


def phone_behind(state: State, interface: str) -> str:
    """The phone that a queue member is: behind a Local channel it is not the member itself.

    The queue may know it by its state interface; otherwise ``Local/101@...`` is the phone 101,
    if an agent has such a one.
    """
    known = state.book.members.get(interface)
    if known is None and interface.startswith("Local/"):
        name = interface.removeprefix("Local/").partition("@")[0]
        phones = (f"{technology}/{name}" for technology in _TECHNOLOGIES)
        known = next((phone for phone in phones if state.is_agent(phone)), None)
    return known or interface


def adopt(state: State, leg: Leg, agent: str) -> None:
    """The agent uses this leg."""
    leg.agent = agent
    phone(state, agent).legs[leg.id] = leg
    state.touched[agent] = None


def release(state: State, leg: Leg) -> None:
    """The agent no longer uses this leg."""
    if leg.agent:
        phone(state, leg.agent).legs.pop(leg.id, None)
        state.touched[leg.agent] = None


def refresh(state: State, at: Micros) -> None:
    """Tell of every touched phone that does something else than before."""
    if state.catching_up:
        return
    for interface in state.touched:
        found = state.book.phones[interface]
        activity, call_id = _now(found)
        if activity != found.activity:
            found.activity = activity
            found.told = max(at, found.told + 1)
            state.emit_activity(found, activity, call_id, at)
    state.touched.clear()


def _now(found: Phone) -> tuple[Activity, str]:
    best: Activity = "idle" if found.reachable else "unreachable"
    call_id = ""
    for leg in found.legs.values():
        activity = _activity(leg)
        if _RANK.get(activity, 0) > _RANK.get(best, 0):
            best, call_id = activity, leg.call.id
    return best, call_id


def _activity(leg: Leg) -> Activity:
    if leg.talking:
        return "on_hold" if leg.held else "talking"
    if leg.met:
        return "talking"  # Left alone, not hung up yet: the phone is still off the hook.
    if leg.errand:
        return "talking" if leg.condition == "up" else "ringing"
    if leg.offer is None:
        # A leg that the PBX made rings nobody until DialBegan.
        return "dialling" if leg.dialled or leg.condition != "down" else "idle"
    if leg.offer.open:
        return "ringing"
    # Picked up and not joined yet, or hanging up.
    return "talking" if leg.condition == "up" else "idle"


def member_status(state: State, fact: MemberStatus) -> None:
    """Queue members are agents, known by their interface; behind a Local channel by the phone."""
    if fact.interface.startswith("Local/") and not fact.device.startswith(_NO_PHONE):
        state.book.members[fact.interface] = fact.device
    agent = phone_behind(state, fact.interface)
    _set_reachable(state, phone(state, agent), fact.reachable)


def device_state(state: State, fact: DeviceState) -> None:
    """Devices that are no agent's phone (trunks, queues, hints) are of no interest."""
    found = state.book.phones.get(fact.device)
    if found is None and not fact.reachable and state.is_agent(fact.device):
        found = phone(state, fact.device)
    if found is not None:
        _set_reachable(state, found, fact.reachable)


def _set_reachable(state: State, found: Phone, reachable: bool) -> None:
    if found.reachable != reachable:
        found.reachable = reachable
        state.touched[found.interface] = None


def snapshot_began(state: State, fact: SnapshotBegan) -> None:
    """Half a snapshot would show phones doing what nobody does."""
    state.catching_up = state.reconstructing = True
    state.looked = fact.at


def snapshot_taken(state: State, fact: SnapshotTaken) -> None:
    """Whatever was missed, each phone is told of as it is; once even when it is idle."""
    state.catching_up = False
    for one in list(state.book.optimisations):
        optimisation.settle(state, one, fact.at)
    for bridge in state.seen:
        talks.settle(state, bridge, fact.at, restored=True)
    state.seen.clear()
    calls.end_empty(state, fact.at)
    state.reconstructing = False
    for found in state.book.phones.values():
        state.touched[found.interface] = None
        if not found.told:
            found.activity = None
