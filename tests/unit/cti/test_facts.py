"""From messages to facts: exact times, hostile values, nothing fatal."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from structlog.testing import capture_logs

from cti.ami.facts import WANTED, UnreadableMessage, parse_timestamp
from cti.ami.reader import FactReader
from cti.domain import facts
from cti.domain.facts import Fact
from tests.unit.cti.reducing import NAMES, facts_of, messages

AT = 1_795_298_470_874_261
NEWCHANNEL = {
    "Event": "Newchannel",
    "Timestamp": "1795298470.874261",
    "Channel": "PJSIP/trunk-0000003a",
    "ChannelState": "4",
    "CallerIDNum": "+447700900123",
    "CallerIDName": "<unknown>",
    "Exten": "200",
    "Uniqueid": "1795298470.113",
    "Linkedid": "1795298470.113",
}
JOIN = {
    "Event": "QueueCallerJoin",
    "Timestamp": "1795298470.880232",
    "Uniqueid": "1795298470.113",
    "Queue": "support",
    "Position": "1",
    "Context": "from-trunk",
    "Exten": "200",
    "Priority": "3",
}


def read(message: dict[str, str]) -> Fact | None:
    return FactReader().to_fact(message)


def test_a_new_channel_is_a_leg() -> None:
    assert read(NEWCHANNEL) == facts.LegStarted(
        at=AT,
        leg="1795298470.113",
        linkedid="1795298470.113",
        channel="PJSIP/trunk-0000003a",
        number="+447700900123",
        name="",
        exten="200",
        condition="ring",
    )


@pytest.mark.parametrize("name", NAMES)
def test_a_real_stream_is_read_without_complaint(name: str) -> None:
    reader = FactReader()
    found = [reader.to_fact(message) for message in messages(name)]
    assert not reader.unreadable
    wanted = [message for message in messages(name) if message.event in WANTED]
    assert len([fact for fact in found if fact]) == len(wanted)
    # Rows of DeviceStateList look like events, but carry no Timestamp.
    stamps = {message.get("Timestamp").replace(".", "") for message in wanted} - {""}
    assert {str(fact.at) for fact in facts_of(name)} == stamps


def test_unknown_types_and_responses_are_nothing() -> None:
    assert read({"Event": "VarSet", "Timestamp": "x"}) is None
    assert read({"Response": "Success"}) is None


@given(st.integers(0, 10**11), st.integers(0, 999_999))
def test_times_are_exact(seconds: int, micros: int) -> None:
    assert parse_timestamp(f"{seconds}.{micros:06}") == seconds * 1_000_000 + micros


@pytest.mark.parametrize(
    ("stamp", "expected"),
    [("5", 5_000_000), ("5.5", 5_500_000), ("5.0000019", 5_000_001), ("5.", 5_000_000)],
)
def test_times_of_another_precision(stamp: str, expected: int) -> None:
    assert parse_timestamp(stamp) == expected


@pytest.mark.parametrize(
    "stamp", ["", ".5", "-1.0", "1_0.0", "1e9", "1.5x", "\u0661.0", " 1.0", "1.2.3"]
)
def test_no_times(stamp: str) -> None:
    with pytest.raises(UnreadableMessage):
        parse_timestamp(stamp)


@pytest.mark.parametrize("position", ["", "one", "1.5", "\u0661", "9" * 5000, "--1", "1_0"])
def test_a_wrong_number_is_counted_and_told_once(position: str) -> None:
    reader = FactReader()
    with capture_logs() as logs:
        assert reader.to_fact(JOIN | {"Position": position}) is None
        assert reader.to_fact(JOIN | {"Position": position}) is None
    assert reader.unreadable == {("QueueCallerJoin", "Position is no number"): 2}
    assert [(log["event"], log["problem"]) for log in logs] == [
        ("ami_message_unreadable", "Position is no number")
    ]


def test_a_missing_header_is_counted() -> None:
    reader = FactReader()
    assert reader.to_fact({"Event": "Hangup", "Timestamp": "1.0"}) is None
    assert reader.unreadable == {("Hangup", "Uniqueid is missing"): 1}


def test_without_timestamps_the_clock_tells_the_time() -> None:
    bare = {name: value for name, value in JOIN.items() if name != "Timestamp"}
    reader = FactReader(now=lambda: 7)
    fact = reader.to_fact(bare)
    assert fact is not None
    assert fact.at == 7
    assert not reader.unreadable


def test_a_broken_timestamp_is_counted_and_the_time_before_it_taken() -> None:
    reader = FactReader()
    reader.to_fact(NEWCHANNEL)
    fact = reader.to_fact(JOIN | {"Timestamp": "soon"})
    assert fact is not None
    assert fact.at == AT
    assert reader.unreadable == {("QueueCallerJoin", "Timestamp is no time"): 1}


def test_a_parked_channel_talks_with_nobody() -> None:
    place = {"Context": "in", "Exten": "200", "Priority": "3"}
    enter = {"Event": "BridgeEnter", "Uniqueid": "1.1", "BridgeUniqueid": "b", **place}
    assert read(enter) == facts.BridgeEntered(
        at=0, leg="1.1", linkedid="1.1", bridge="b", place="in,200,3"
    )
    parked = read(enter | {"BridgeTechnology": "holding_bridge"})
    assert parked == facts.SetAside(at=0, leg="1.1")


@pytest.mark.parametrize("event", ["BlindTransfer", "AttendedTransfer"])
def test_a_transfer_that_failed_is_none(event: str) -> None:
    transfer = {
        "Event": event,
        "TransfererUniqueid": "1.1",
        "OrigTransfererUniqueid": "1.1",
        "Extension": "6002",
        "Result": "Success",
    }
    assert read(transfer) is not None
    assert read(transfer | {"Result": "Fail"}) is None


@pytest.mark.parametrize(
    ("status", "reachable"), [("1", True), ("3", True), ("4", False), ("5", False)]
)
def test_a_members_phone(status: str, reachable: bool) -> None:
    member = {
        "Event": "QueueMemberStatus",
        "Queue": "support",
        "Interface": "Local/101@agents/n",
        "StateInterface": "PJSIP/101",
        "Status": status,
        "Paused": "1",
    }
    assert read(member) == facts.MemberStatus(
        at=0,
        queue="support",
        interface="Local/101@agents/n",
        device="PJSIP/101",
        reachable=reachable,
        paused=True,
    )


names_of_headers = st.sampled_from(
    [name for message in messages("d4_attended_sip_refer_replaces") for name, _ in message.headers]
)


@given(st.sampled_from(sorted(WANTED)), st.dictionaries(names_of_headers, st.text(max_size=8)))
def test_no_message_is_fatal(event: str, headers: dict[str, str]) -> None:
    reader = FactReader()
    message = {name: value for name, value in headers.items() if value} | {"Event": event}
    fact = reader.to_fact(message)
    assert fact is None or isinstance(fact, Fact)
