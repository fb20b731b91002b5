"""SIP messages, digest authentication and SDP: bytes to values and back. Pure.

RFC 3261 (messages), RFC 7616 and 2617 (digest), RFC 4566 and 3264 (SDP). UDP only: one
datagram is one message. What cannot be read raises SipError; nothing else is raised.
"""

import hashlib
import re
from dataclasses import dataclass, field, replace

Headers = tuple[tuple[str, str], ...]

_COMPACT = {
    "v": "Via",
    "f": "From",
    "t": "To",
    "i": "Call-ID",
    "m": "Contact",
    "c": "Content-Type",
    "l": "Content-Length",
    "k": "Supported",
    "s": "Subject",
    "e": "Content-Encoding",
    "r": "Refer-To",
    "b": "Referred-By",
    "o": "Event",
    "u": "Allow-Events",
}
_TOKEN = re.compile(r"[A-Za-z0-9.!%*_+`'~-]+\Z")
_STATUS = re.compile(r"SIP/2\.0 ([1-6]\d\d)(?: (.*))?\Z")
_PARAMETER = re.compile(r'([\w-]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s,]+))')


class SipError(ValueError):
    """These bytes are no SIP message (or SDP) that we can read."""


@dataclass(frozen=True)
class Message:
    """What requests and responses share. Header names compare without case."""

    headers: Headers = ()
    body: bytes = b""

    def get(self, name: str, default: str = "") -> str:
        """The first header of that name."""
        return next(iter(self.all(name)), default)

    def all(self, name: str) -> list[str]:
        """Every header of that name, in order."""
        return [value for key, value in self.headers if key.lower() == name.lower()]

    @property
    def cseq(self) -> tuple[int, str]:
        """Number and method of CSeq."""
        number, _, method = self.get("CSeq").partition(" ")
        if not number.isascii() or not number.isdecimal() or len(number) > 10 or not method:
            raise SipError("CSeq is no number and method")
        return int(number), method.strip()

    @property
    def branch(self) -> str:
        """The transaction's id: the branch of the topmost Via."""
        return parameter(self.get("Via"), "branch")

    def _encode(self, start: str) -> bytes:
        lines = [start, *(f"{name}: {value}" for name, value in self.headers)]
        if any("\r" in line or "\n" in line or "\0" in line for line in lines):
            raise SipError("a header holds a line break or NUL")
        lines += [f"Content-Length: {len(self.body)}", "", ""]
        return "\r\n".join(lines).encode() + self.body


@dataclass(frozen=True)
class Request(Message):
    """A request. Content-Length is written by `encode` and not kept in `headers`."""

    method: str = "OPTIONS"
    uri: str = "sip:localhost"

    def encode(self) -> bytes:
        """The datagram. Raises SipError for line breaks in a header."""
        return self._encode(f"{self.method} {self.uri} SIP/2.0")


@dataclass(frozen=True)
class Response(Message):
    """A response; `reason` is for people only."""

    status: int = 200
    reason: str = ""

    def encode(self) -> bytes:
        """The datagram. Raises SipError for line breaks in a header."""
        return self._encode(f"SIP/2.0 {self.status} {self.reason}")


def parse(data: bytes) -> Request | Response:
    """Read one datagram. Raises SipError."""
    head, separator, body = data.partition(b"\r\n\r\n")
    if not separator:
        raise SipError("no empty line ends the headers")
    try:
        start, *lines = head.decode("utf-8").lstrip("\r\n").split("\r\n")
    except UnicodeDecodeError as error:
        raise SipError("the headers are not UTF-8") from error
    headers, length = _split_length(_parse_headers(lines))
    if length is not None and length > len(body):
        raise SipError("the body is shorter than Content-Length says")
    return _with_start(start, headers, body if length is None else body[:length])


def _with_start(start: str, headers: Headers, body: bytes) -> Request | Response:
    if found := _STATUS.match(start):
        return Response(headers, body, int(found[1]), found[2] or "")
    method, _, rest = start.partition(" ")
    uri, _, version = rest.rpartition(" ")
    if version != "SIP/2.0" or not _TOKEN.match(method) or not uri or " " in uri:
        raise SipError("the first line is neither a SIP request nor a response")
    return Request(headers, body, method, uri)


def _parse_headers(lines: list[str]) -> list[tuple[str, str]]:
    headers: list[tuple[str, str]] = []
    for line in lines:
        if line[:1] in (" ", "\t") and headers:  # folded, RFC 3261 section 7.3.1
            name, value = headers[-1]
            headers[-1] = (name, f"{value} {line.strip()}")
            continue
        name, colon, value = line.partition(":")
        name = name.strip()
        if not colon or not _TOKEN.match(name):
            raise SipError("a header line has no name")
        headers.append((_COMPACT.get(name.lower(), name), value.strip()))
    return headers


def _split_length(headers: list[tuple[str, str]]) -> tuple[Headers, int | None]:
    lengths = [value for name, value in headers if name.lower() == "content-length"]
    rest = tuple(h for h in headers if h[0].lower() != "content-length")
    if not lengths:
        return rest, None
    if not lengths[0].isascii() or not lengths[0].isdecimal() or len(lengths[0]) > 6:
        raise SipError("Content-Length is no number")
    return rest, int(lengths[0])


def response_to(
    request: Request,
    status: int,
    reason: str,
    *,
    to_tag: str = "",
    headers: Headers = (),
    body: bytes = b"",
) -> Response:
    """A response with the request's Via, From, To, Call-ID and CSeq (RFC 3261, 8.2.6)."""
    to = request.get("To")
    if to_tag and not parameter(to, "tag"):
        to += f";tag={to_tag}"
    copied = [("Via", via) for via in request.all("Via")]
    copied += [("From", request.get("From")), ("To", to)]
    copied += [(name, request.get(name)) for name in ("Call-ID", "CSeq")]
    return Response((*copied, *headers), body, status, reason)


def parameter(value: str, name: str) -> str:
    """A `;name=...` parameter after the address, or ''."""
    after = value.rpartition(">")[2]
    found = re.search(rf";\s*{re.escape(name)}\s*=\s*([^;,\s]+)", after, re.IGNORECASE)
    return found[1] if found else ""


def address_uri(value: str) -> str:
    """The URI of a From, To, Contact or Refer-To value."""
    if found := re.search(r"<([^>]*)>", value):
        return found[1]
    return value.partition(";")[0].strip()


def uri_user(uri: str) -> str:
    """The user part of `sip:user@host`, or ''."""
    return uri.partition(":")[2].rpartition("@")[0].partition(";")[0].partition(":")[0]


def display_name(value: str) -> str:
    """The name before the address, unquoted."""
    return value.partition("<")[0].strip().strip('"') if "<" in value else ""


@dataclass(frozen=True)
class Challenge:
    """A WWW-Authenticate or Proxy-Authenticate value (RFC 7616, section 3.3)."""

    realm: str
    nonce: str
    qop: str = ""
    opaque: str = ""
    algorithm: str = "MD5"


def parse_challenge(value: str) -> Challenge:
    """Raises SipError when it is no digest challenge that we can answer."""
    scheme, _, rest = value.partition(" ")
    fields = {name.lower(): quoted or bare for name, quoted, bare in _PARAMETER.findall(rest)}
    if scheme.lower() != "digest" or not fields.get("nonce") or "realm" not in fields:
        raise SipError("no digest challenge")
    offered = [q.strip() for q in fields.get("qop", "").split(",")]
    algorithm = fields.get("algorithm", "MD5")
    if algorithm.upper() not in ("MD5", "SHA-256"):
        raise SipError("an unknown digest algorithm")
    qop = "auth" if "auth" in offered else ""
    return Challenge(fields["realm"], fields["nonce"], qop, fields.get("opaque", ""), algorithm)


def digest_response(
    challenge: Challenge, user: str, password: str, method: str, uri: str, cnonce: str
) -> str:
    """The `response` field (RFC 7616, section 3.4.1), for nonce count 1."""

    def hashed(*parts: str) -> str:
        algorithm = challenge.algorithm.replace("-", "").lower()
        return hashlib.new(algorithm, ":".join(parts).encode(), usedforsecurity=False).hexdigest()

    secret = hashed(user, challenge.realm, password)
    target = hashed(method, uri)
    if challenge.qop:
        return hashed(secret, challenge.nonce, "00000001", cnonce, challenge.qop, target)
    return hashed(secret, challenge.nonce, target)


def authorization(
    challenge: Challenge, user: str, password: str, method: str, uri: str, cnonce: str
) -> str:
    """The value of Authorization or Proxy-Authorization."""
    response = digest_response(challenge, user, password, method, uri, cnonce)
    fields = [f'username="{user}"', f'realm="{challenge.realm}"', f'nonce="{challenge.nonce}"']
    fields += [f'uri="{uri}"', f'response="{response}"', f"algorithm={challenge.algorithm}"]
    if challenge.qop:
        fields += [f"qop={challenge.qop}", "nc=00000001", f'cnonce="{cnonce}"']
    if challenge.opaque:
        fields.append(f'opaque="{challenge.opaque}"')
    return "Digest " + ", ".join(fields)


ANSWERING = {
    "sendrecv": "sendrecv",
    "sendonly": "recvonly",
    "recvonly": "sendonly",
    "inactive": "inactive",
}
"""Direction offered -> direction answered (RFC 3264, section 6.1)."""


@dataclass(frozen=True)
class Sdp:
    """One audio stream. `dtmf` is the payload type of telephone-event, None without it."""

    ip: str
    port: int
    payloads: tuple[int, ...] = (0,)
    dtmf: int | None = 101
    direction: str = "sendrecv"
    version: int = 1

    def encode(self) -> bytes:
        """The SDP body."""
        formats = [*self.payloads, *([] if self.dtmf is None else [self.dtmf])]
        lines = [
            "v=0",
            f"o=ringdesk 1 {self.version} IN IP4 {self.ip}",
            "s=-",
            f"c=IN IP4 {self.ip}",
            "t=0 0",
            f"m=audio {self.port} RTP/AVP {' '.join(map(str, formats))}",
            *(f"a=rtpmap:{n} {_STATIC[n]}" for n in self.payloads if n in _STATIC),
            "a=ptime:20",
            f"a={self.direction}",
        ]
        if self.dtmf is not None:
            lines += [f"a=rtpmap:{self.dtmf} telephone-event/8000", f"a=fmtp:{self.dtmf} 0-16"]
        return ("\r\n".join(lines) + "\r\n").encode()

    def answered_with(self, ip: str, port: int, version: int) -> "Sdp":
        """Our answer to this offer."""
        direction = ANSWERING[self.direction]
        return replace(self, ip=ip, port=port, payloads=(0,), direction=direction, version=version)


_STATIC = {0: "PCMU/8000", 8: "PCMA/8000"}


@dataclass
class _Draft:
    ip: str = ""
    port: int = 0
    payloads: list[int] = field(default_factory=list)
    dtmf: int | None = None
    direction: str = "sendrecv"


def parse_sdp(body: bytes) -> Sdp:
    """Read the first audio stream. Raises SipError."""
    draft = _Draft()
    seen_media = False
    for line in body.decode("utf-8", "replace").splitlines():
        kind, _, value = line.partition("=")
        if kind == "m":
            if seen_media:
                break
            seen_media = value.startswith("audio ")
        _take_sdp_line(draft, kind, value)
    if not seen_media or not re.fullmatch(r"[0-9a-fA-F.:]+", draft.ip):
        raise SipError("the SDP describes no audio stream")
    payloads = tuple(p for p in draft.payloads if p != draft.dtmf)
    return Sdp(draft.ip, draft.port, payloads, draft.dtmf, draft.direction)


def _take_sdp_line(draft: _Draft, kind: str, value: str) -> None:
    if kind == "c":
        draft.ip = value.rpartition(" ")[2].partition("/")[0]
    elif kind == "m" and (found := re.match(r"audio (\d{1,5})(?:/\d+)? \S+((?: \d{1,3})+)", value)):
        draft.port = int(found[1])
        draft.payloads = [int(p) for p in found[2].split()]
        if draft.port > 65535:
            raise SipError("the SDP names a port above 65535")
    elif kind == "a" and value in ANSWERING:
        draft.direction = value
    elif kind == "a" and (found := re.match(r"rtpmap:(\d{1,3}) telephone-event/8000", value)):
        draft.dtmf = int(found[1])
