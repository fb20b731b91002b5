"""AMI on the wire: bytes to messages, actions to bytes. Pure.

Asterisk sends a banner line, then messages: lines ``Name: value`` that end in CR LF, a blank line
after each message (the AMI v2 specification, and ``main/manager.c``). Three decisions live here:

* **Bytes are framed as bytes** and a message is decoded once, whole: a UTF-8 character that the
  network cut in two survives.
* **Text that is not UTF-8 is shown, not carried**: each undecodable byte, and each NUL, becomes
  U+FFFD. Lone surrogates would let the exact bytes be sent back, but neither JSON nor SQL takes
  them, and one caller's name must not stop the journal. Asterisk's own identifiers are ASCII.
* **Nothing that could forge a line leaves**: a CR, LF or NUL in a name or a value is refused, and
  so is what Asterisk drops (lines over 1022 bytes) or closes the link for (more than 127 headers).
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from cti.domain.commands import CommandFailed

Headers = Iterable[tuple[str, str]]
"""Ordered (name, value) pairs; a name may come several times."""

DEFAULT_LIMIT: Final = 1024 * 1024
MAX_LINE: Final = 1022
MAX_HEADERS: Final = 127

_EOL: Final = b"\r\n"
_END: Final = b"\r\n\r\n"
_BANNER: Final = b"Asterisk Call Manager/"
_FORBIDDEN: Final = frozenset("\r\n\0")
EVENT: Final = b"Event: "


class RefusedValue(CommandFailed):
    """An action was not sent, because a header of it would break or forge the stream."""

    def __init__(self, header: str, problem: str) -> None:
        super().__init__("refused_value", f"header {header[:40]!r}: {problem}")


class Message:
    """One message of the PBX: a response or an event.

    ``headers`` are all (name, value) pairs in order. Names are looked up without regard to case,
    because Asterisk itself varies (``BridgeId``, ``BridgeID``).
    """

    __slots__ = ("_first", "headers")

    def __init__(self, headers: Headers) -> None:
        self.headers = tuple(headers)
        self._first = {name.lower(): value for name, value in reversed(self.headers)}

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Message) and self.headers == other.headers

    def __hash__(self) -> int:
        return hash(self.headers)

    def __repr__(self) -> str:
        """Type and size only: values hold personal data, and reprs end up in logs."""
        return f"<Message {self.event or self.response or '?'}, {len(self.headers)} headers>"

    def __contains__(self, name: str) -> bool:
        return name.lower() in self._first

    def get(self, name: str, default: str = "") -> str:
        """The first value of a header."""
        return self._first.get(name.lower(), default)

    def all(self, name: str) -> tuple[str, ...]:
        """Every value of a repeated header (ChanVariable, Output), in order."""
        wanted = name.lower()
        return tuple(value for name, value in self.headers if name.lower() == wanted)

    @property
    def event(self) -> str:
        """The event's type; empty for a response."""
        return self._first.get("event", "")

    @property
    def response(self) -> str:
        """``Success``, ``Error``...; empty for an event (OriginateResponse has such a header)."""
        return "" if "event" in self._first else self._first.get("response", "")

    @property
    def action_id(self) -> str:
        """The action this belongs to; empty for none."""
        return self._first.get("actionid", "")

    def fields(self) -> dict[str, str]:
        """Headers as a dict; the values of a repeated one joined by line feeds."""
        joined: dict[str, str] = {}
        for name, value in self.headers:
            joined[name] = f"{joined[name]}\n{value}" if name in joined else value
        return joined


class Framer:
    """Splits the byte stream into raw messages; any cut of the stream gives the same ones.

    ``banner`` is None until the first line is whole, then the AMI version (``"11.0.0"``), or empty
    when the peer did not greet as Asterisk does. A message longer than ``limit`` bytes is thrown
    away up to its end and counted in ``discarded``; what follows it is read as usual.
    """

    def __init__(self, limit: int = DEFAULT_LIMIT) -> None:
        self.banner: str | None = None
        self.discarded = 0
        self._limit = limit
        self._buffer = bytearray()
        self._searched = 0
        self._discarding = False

    def feed(self, data: bytes) -> list[bytes]:
        """The messages that became whole with ``data``, without their blank lines."""
        self._buffer += data
        if self.banner is None:
            self._read_banner()
            if self.banner is None:
                return []
        if self._buffer.find(_END, self._searched) < 0:
            self._wait_for_end()
            return []
        too_long = self._discarding or len(self._buffer) > self._limit
        raws = bytes(self._buffer).split(_END)
        self._buffer[:] = raws.pop()
        self._searched = 0
        if too_long:
            raws = self._within_limit(raws)
        whole = [content for raw in raws if (content := raw.removeprefix(_EOL))]
        self._wait_for_end()
        return whole

    def _read_banner(self) -> None:
        end = self._buffer.find(_EOL, 0, MAX_LINE + len(_EOL))
        if end >= 0 and self._buffer.startswith(_BANNER):
            self.banner = self._buffer[len(_BANNER) : end].decode("ascii", "replace").strip()
            del self._buffer[: end + len(_EOL)]
        elif end >= 0 or len(self._buffer) >= MAX_LINE + len(_EOL):
            self.banner = ""

    def _wait_for_end(self) -> None:
        """Remember what was searched; let go of a message that is already too long."""
        slack = len(_END) - 1
        if len(self._buffer) > self._limit + slack:
            self._discarding = True
        if self._discarding:
            del self._buffer[:-slack]
        self._searched = max(0, len(self._buffer) - slack)

    def _within_limit(self, raws: list[bytes]) -> list[bytes]:
        whole = []
        for raw in raws:
            if self._discarding or len(raw) > self._limit:
                self._discarding = False
                self.discarded += 1
            else:
                whole.append(raw)
        return whole


def first_line(raw: bytes) -> bytes:
    """The first line of a raw message: ``Event: Hangup``."""
    return raw.partition(_EOL)[0]


def event_name(raw: bytes) -> str:
    """The type of a raw event without parsing it; empty for anything else."""
    line = first_line(raw)
    return line[len(EVENT) :].decode("utf-8", "replace") if line.startswith(EVENT) else ""


def as_text(raw: bytes) -> str:
    """A raw message as text; what is no text becomes U+FFFD."""
    text = raw.decode("utf-8", "replace")
    return text.replace("\0", "\ufffd") if "\0" in text else text


def parse(raw: bytes) -> Message:
    """A raw message, as :class:`Framer` gives it, as headers. Lines without a name are left out."""
    lines = as_text(raw).split("\r\n")
    return Message(_split_line(line) for line in lines if ":" in line)


def _split_line(line: str) -> tuple[str, str]:
    """Name and value; the name may hold a colon: ``ChanVariable(IAX2/pbx:4569-7): X=1``."""
    name, separator, value = line.partition(": ")
    if not separator:
        name, _, value = line.partition(":")
    return name, value


def encode_action(name: str, headers: Headers) -> bytes:
    """An action as bytes. Raises :class:`RefusedValue`; its text never shows the value."""
    lines = [_encode_line(header, value) for header, value in (("Action", name), *headers)]
    if len(lines) > MAX_HEADERS:
        raise RefusedValue(name, f"Asterisk reads {MAX_HEADERS} headers, not {len(lines)}")
    return _EOL.join(lines) + _END


def _encode_line(name: str, value: str) -> bytes:
    if not name or ":" in name:
        raise RefusedValue(name, "a header's name is not empty and holds no colon")
    if _FORBIDDEN.intersection(name + value):
        raise RefusedValue(name, "CR, LF and NUL are refused, they would forge a line")
    try:
        line = f"{name}: {value}".encode()
    except UnicodeEncodeError:
        raise RefusedValue(name, "it cannot be written as UTF-8") from None
    if len(line) > MAX_LINE:
        raise RefusedValue(name, f"{len(line)} bytes, Asterisk reads lines of {MAX_LINE}")
    return line
