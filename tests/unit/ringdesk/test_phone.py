"""Two robot phones facing each other, each being the other's server: no PBX needed."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import suppress

import pytest
import pytest_asyncio

from ringdesk.demo.asterisk import free_port
from ringdesk.demo.phone import Call, CallFailed, Phone
from ringdesk.demo.rtp import tone, tone_share
from ringdesk.demo.sip import Request, response_to


@pytest_asyncio.fixture
async def phones() -> AsyncIterator[tuple[Phone, Phone]]:
    """Alice and Bob."""
    ports = [free_port(socket.SOCK_DGRAM) for _ in range(2)]
    places = [("127.0.0.1", port) for port in ports]
    async with (
        Phone("127.0.0.1", places[1], "alice", local_port=ports[0]) as alice,
        Phone("127.0.0.1", places[0], "bob", local_port=ports[1]) as bob,
    ):
        yield alice, bob


async def connect(alice: Phone, bob: Phone) -> tuple[Call, Call]:
    out = await alice.call("bob", from_name="Alice A.")
    into = await bob.incoming(timeout=2)
    await into.answer()
    await out.answered(timeout=2)
    return out, into


async def test_the_callee_sees_who_calls_and_both_hear_each_other(
    phones: tuple[Phone, Phone],
) -> None:
    out, into = await connect(*phones)
    assert (into.caller, into.caller_name, into.incoming) == ("alice", "Alice A.", True)
    out.play(tone(440), loop=True)
    into.play(tone(1000), loop=True)
    await asyncio.sleep(0.5)
    assert tone_share(into.media.heard(0.3), 440) > 0.95
    assert tone_share(out.media.heard(0.3), 1000) > 0.95


async def test_frames_leave_every_20_ms_without_drift(phones: tuple[Phone, Phone]) -> None:
    _out, into = await connect(*phones)
    await asyncio.sleep(1.0)
    first, last = into.media.received_frames[0][0], into.media.received_frames[-1][0]
    count = len(into.media.received_frames) - 1
    assert (last - first) / count == pytest.approx(0.02, abs=0.002)


async def test_a_sound_is_awaited_to_its_end_and_replaced_by_the_next(
    phones: tuple[Phone, Phone],
) -> None:
    out, into = await connect(*phones)
    replaced = out.play(tone(440), loop=True)
    await asyncio.wait_for(out.play(tone(1000, 0.2)), 1)
    assert replaced.done()
    await asyncio.sleep(0.2)
    assert tone_share(into.media.heard(0.1), 1000) == 0.0  # silence afterwards


async def test_digits_in_the_middle_of_a_sound(phones: tuple[Phone, Phone]) -> None:
    out, into = await connect(*phones)
    out.play(tone(440), loop=True)
    await out.send_digits("0*9")
    await asyncio.sleep(0.1)
    assert into.digits == "0*9"


async def test_hold_and_unhold(phones: tuple[Phone, Phone]) -> None:
    out, into = await connect(*phones)
    await out.hold()
    assert into.held_by_remote
    assert not into.media.sending
    await out.unhold()
    assert not into.held_by_remote
    assert into.media.sending


@pytest.mark.parametrize("who", [0, 1])
async def test_either_side_hangs_up(phones: tuple[Phone, Phone], who: int) -> None:
    calls = await connect(*phones)
    await calls[who].hangup()
    await calls[1 - who].ended(timeout=1)
    assert (calls[who].ended_by, calls[1 - who].ended_by) == ("local", "remote")
    assert all(call.ended_at >= call.answered_at >= call.started_at for call in calls)  # type: ignore[operator]


@pytest.mark.parametrize("status", [486, 603])
async def test_a_refused_call(phones: tuple[Phone, Phone], status: int) -> None:
    alice, bob = phones
    out = await alice.call("bob")
    await (await bob.incoming(timeout=2)).reject(status)
    with pytest.raises(CallFailed) as failed:
        await out.answered(timeout=2)
    assert failed.value.status == out.status == status


async def test_a_busy_phone_refuses_by_itself(phones: tuple[Phone, Phone]) -> None:
    alice, bob = phones
    bob.busy = True
    with pytest.raises(CallFailed, match="486"):
        await (await alice.call("bob")).answered(timeout=2)


async def test_the_caller_gives_up(phones: tuple[Phone, Phone]) -> None:
    alice, bob = phones
    out = await alice.call("bob")
    into = await bob.incoming(timeout=2)
    await out.ringing(timeout=1)
    await out.hangup()
    assert into.is_ended
    assert (into.status, out.status) == (487, 487)
    with pytest.raises(CallFailed):
        await into.answer()


async def test_a_callback_takes_the_calls(phones: tuple[Phone, Phone]) -> None:
    alice, bob = phones
    bob.on_incoming = lambda call: call.answer(after=0.05)
    out = await alice.call("bob")
    await out.answered(timeout=2)
    assert out.is_answered


async def test_a_lost_200_is_acknowledged_again(phones: tuple[Phone, Phone]) -> None:
    alice, bob = phones
    _out, into = await connect(alice, bob)
    acks: list[Request] = []
    bob._sip._on_request = acks.append
    assert into.invite is not None
    tag = into.dialog.local.partition(";tag=")[2]
    bob.respond(into.invite, response_to(into.invite, 200, "OK", to_tag=tag))
    await asyncio.sleep(0.05)
    assert [ack.method for ack in acks] == ["ACK"]


async def test_a_repeated_request_gets_the_same_answer_and_no_second_call(
    phones: tuple[Phone, Phone],
) -> None:
    alice, bob = phones
    await alice.call("bob")
    into = await bob.incoming(timeout=2)
    assert into.invite is not None
    bob._sip.datagram_received(into.invite.encode(), bob.server)
    with pytest.raises(TimeoutError):
        await bob.incoming(timeout=0.1)


async def test_garbage_and_strangers_do_no_harm(phones: tuple[Phone, Phone]) -> None:
    alice, bob = phones
    for data in (b"", b"\0\r\n\r\n", b"INVITE sip:bob SIP/2.0\r\n\r\n", b"SIP/2.0 200 OK\r\n\r\n"):
        bob._sip.datagram_received(data, bob.server)
    stranger = Request((("CSeq", "1 INVITE"), ("Via", "x;branch=y")), b"", "INVITE", "sip:bob")
    bob._sip.datagram_received(stranger.encode(), ("192.0.2.1", 5060))
    out, _ = await connect(alice, bob)
    assert out.is_answered


async def test_closing_a_phone_ends_its_calls(phones: tuple[Phone, Phone]) -> None:
    out, into = await connect(*phones)
    await phones[0].close()
    await into.ended(timeout=1)
    assert out.media.port == 0


async def test_a_dead_server_holds_nobody_up() -> None:
    place = ("127.0.0.1", free_port(socket.SOCK_DGRAM))
    async with Phone("127.0.0.1", place) as phone:
        call = await phone.call("anyone")
        with pytest.raises(TimeoutError):
            await call.answered(timeout=0.1)
        with suppress(TimeoutError):
            async with asyncio.timeout(3):
                await call.hangup()
        assert call.is_ended
