"""The SIP codec: what it writes it reads, and hostile datagrams raise SipError only."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringdesk.demo.sip import (
    Challenge,
    Request,
    Response,
    Sdp,
    SipError,
    address_uri,
    authorization,
    digest_response,
    display_name,
    parameter,
    parse,
    parse_challenge,
    parse_sdp,
    response_to,
    uri_user,
)

# RFC 3261, section 24.2, F1 (body and Content-Length left out)
RFC_INVITE = b"\r\n".join(
    [
        b"INVITE sip:bob@biloxi.com SIP/2.0",
        b"Via: SIP/2.0/UDP pc33.atlanta.com;branch=z9hG4bK776asdhds",
        b"Max-Forwards: 70",
        b"t: Bob <sip:bob@biloxi.com>",
        b'f: "Alice " <sip:alice@atlanta.com>;tag=1928301774',
        b"i: a84b4c76e66710@pc33.atlanta.com",
        b"CSeq: 314159 INVITE",
        b"Subject: I know you're there,",
        b"   pick up the phone",
        b"l: 4",
        b"",
        b"v=0\r\nrest of the datagram",
    ]
)

words = st.text(st.characters(codec="utf-8", exclude_categories=["C", "Z"]), min_size=1)
names = st.from_regex(r"X-[A-Za-z]{1,10}", fullmatch=True)
headers = st.lists(st.tuples(names, words)).map(tuple)


def test_a_request_of_the_rfc_with_compact_and_folded_headers() -> None:
    message = parse(RFC_INVITE)
    assert isinstance(message, Request)
    assert (message.method, message.uri) == ("INVITE", "sip:bob@biloxi.com")
    assert message.cseq == (314159, "INVITE")
    assert message.branch == "z9hG4bK776asdhds"
    assert message.get("call-id") == "a84b4c76e66710@pc33.atlanta.com"
    assert message.get("Subject") == "I know you're there, pick up the phone"
    assert message.body == b"v=0\r"
    sender = message.get("From")
    assert parameter(sender, "tag") == "1928301774"
    assert uri_user(address_uri(sender)) == "alice"
    assert display_name(sender) == "Alice "


@given(headers, st.binary(max_size=200))
def test_requests_and_responses_read_back(pairs: tuple[tuple[str, str], ...], body: bytes) -> None:
    request = Request(pairs, body, "INFO", "sip:a@b")
    response = Response(pairs, body, 486, "Busy Here")
    assert parse(request.encode()) == request
    assert parse(response.encode()) == response


@given(st.binary(max_size=400))
def test_any_bytes_give_a_message_or_a_sip_error(data: bytes) -> None:
    for datagram in (data, b"OPTIONS sip:a SIP/2.0\r\n" + data + b"\r\n\r\n"):
        try:
            message = parse(datagram)
            _ = message.branch, message.cseq
        except SipError:
            continue


@given(st.integers(0, len(RFC_INVITE) - 1), st.binary(min_size=1, max_size=3))
def test_a_damaged_invite_gives_a_message_or_a_sip_error(at: int, damage: bytes) -> None:
    try:
        parse(RFC_INVITE[:at] + damage + RFC_INVITE[at + len(damage) :])
    except SipError:
        return


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\r\n\r\n",
        b"INVITE sip:a SIP/2.0\r\nVia: x",
        b"INVITE sip:a SIP/1.0\r\n\r\n",
        b"INV ITE sip:a SIP/2.0\r\n\r\n",
        b"SIP/2.0 999 What\r\n\r\n",
        b"OPTIONS sip:a SIP/2.0\r\n: no name\r\n\r\n",
        b"OPTIONS sip:a SIP/2.0\r\n folded first\r\n\r\n",
        b"OPTIONS sip:a SIP/2.0\r\nContent-Length: 9\r\n\r\nshort",
        b"OPTIONS sip:a SIP/2.0\r\nContent-Length: -1\r\n\r\n",
        "OPTIONS sip:a SIP/2.0\r\nContent-Length: ²\r\n\r\n".encode(),
        b"OPTIONS sip:a SIP/2.0\r\nX: \xff\r\n\r\n",
    ],
)
def test_what_is_no_sip_is_refused(data: bytes) -> None:
    with pytest.raises(SipError):
        parse(data)


@pytest.mark.parametrize("value", ["a\r\nVia: forged", "a\nb", "a\0b"])
def test_a_header_cannot_smuggle_another(value: str) -> None:
    with pytest.raises(SipError, match="line break"):
        Request((("Subject", value),)).encode()


def test_a_response_keeps_every_via_and_adds_its_tag_once() -> None:
    vias = (("Via", "SIP/2.0/UDP a;branch=1"), ("Via", "SIP/2.0/UDP b;branch=2"))
    request = Request((*vias, ("To", "<sip:b>"), ("CSeq", "1 BYE")), b"", "BYE", "sip:b")
    response = response_to(request, 200, "OK", to_tag="mine")
    assert response.all("Via") == [v for _, v in vias]
    assert response.get("To") == "<sip:b>;tag=mine"
    inside = Request((("To", "<sip:b>;tag=theirs"), ("CSeq", "1 BYE")), b"", "BYE", "sip:b")
    assert response_to(inside, 200, "OK", to_tag="mine").get("To") == "<sip:b>;tag=theirs"


def test_digest_of_rfc_2617() -> None:
    # RFC 2617, section 3.5
    challenge = Challenge(
        "testrealm@host.com", "dcd98b7102dd2f0e8b11d0f600bfb0c093", "auth", "5ccc069c403ebaf9f017"
    )
    response = digest_response(
        challenge, "Mufasa", "Circle Of Life", "GET", "/dir/index.html", "0a4f113b"
    )
    assert response == "6629fae49393a05397450978507c4ef1"


@pytest.mark.parametrize(
    ("algorithm", "expected"),
    [
        ("MD5", "8ca523f5e9506fed4657c9700eebdbec"),
        ("SHA-256", "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1"),
    ],
)
def test_digest_of_rfc_7616(algorithm: str, expected: str) -> None:
    # RFC 7616, section 3.9.1
    nonce = "7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v"
    value = (
        f'Digest realm="http-auth@example.org", qop="auth, auth-int", algorithm={algorithm}, '
        f'nonce="{nonce}", opaque="FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS"'
    )
    challenge = parse_challenge(value)
    cnonce = "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ"
    args = ("Mufasa", "Circle of Life", "GET", "/dir/index.html", cnonce)
    assert digest_response(challenge, *args) == expected
    assert f'response="{expected}"' in authorization(challenge, *args)


@pytest.mark.parametrize(
    "value",
    ["", "Basic realm=x", 'Digest realm="x"', 'Digest realm="x", nonce="y", algorithm=ROT13'],
)
def test_challenges_we_cannot_answer(value: str) -> None:
    with pytest.raises(SipError):
        parse_challenge(value)


@pytest.mark.parametrize("direction", ["sendrecv", "sendonly", "recvonly", "inactive"])
@pytest.mark.parametrize("dtmf", [101, 96, None])
def test_sdp_reads_back(direction: str, dtmf: int | None) -> None:
    sdp = Sdp("127.0.0.2", 40000, (0, 8), dtmf, direction)
    assert parse_sdp(sdp.encode()) == sdp


def test_an_answer_to_hold_mirrors_the_direction() -> None:
    offer = Sdp("127.0.0.1", 4000, (8, 0), 96, "sendonly")
    answer = offer.answered_with("127.0.0.2", 5000, 7)
    assert (answer.direction, answer.dtmf, answer.payloads) == ("recvonly", 96, (0,))


@given(st.binary(max_size=300))
def test_any_bytes_give_an_sdp_or_a_sip_error(data: bytes) -> None:
    for body in (data, b"c=IN IP4 127.0.0.1\r\nm=audio 1 RTP/AVP 0\r\n" + data):
        try:
            parse_sdp(body)
        except SipError:
            continue


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"c=IN IP4 1.2.3.4\r\nm=video 1 RTP/AVP 0",
        b"m=audio 1 RTP/AVP 0",
        b"c=IN IP4 1.2.3.4\r\nm=audio 99999 RTP/AVP 0",
        b"c=IN IP4 a b;c\r\nm=audio 1 RTP/AVP 0",
    ],
)
def test_sdp_without_a_usable_audio_stream(body: bytes) -> None:
    with pytest.raises(SipError):
        parse_sdp(body)
