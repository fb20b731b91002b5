"""The AGI protocol without a socket: bytes in, environment and replies out; commands to bytes.

Asterisk opens with its environment, one ``agi_name: value`` a line, ended by an empty line. Then
it answers each command with one reply, ``200 result=1 (timeout) endpos=8000``, except for a wrong
one, whose reply has several lines (``520-Invalid ...`` to ``520 End of proper usage.``). A bare
``HANGUP`` may stand between replies when the caller is gone. (Asterisk: res/res_agi.c.)
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

MAX_LINE = 8192
"""The longest line taken from the PBX, in bytes without its end."""

MAX_ENVIRONMENT_LINES = 200
"""The most lines an environment may have (Asterisk sends about 22 and the arguments)."""

MAX_COMMAND = 2000
"""The longest command, in bytes: Asterisk reads commands into 2048 bytes (AGI_BUF_LEN)."""

_FORBIDDEN = re.compile("[\r\n\0\ud800-\udfff]")
_NAME = re.compile(r"agi_[a-z0-9_]+\Z")
_REPLY = re.compile(r"(\d{3})([ -])(.*)\Z", re.DOTALL)
_RESULT = re.compile(r"result=(\S*)(?: \((.*)\))?(?: endpos=(\d+))?\s*\Z", re.DOTALL)


class AgiSyntaxError(Exception):
    """The other side does not speak AGI: the connection is of no more use."""


class AgiValueError(ValueError):
    """A command that must not be sent: it cannot be one line, or is too long."""


@dataclass(frozen=True, kw_only=True)
class Environment:
    """The variables Asterisk opens with, by name (``agi_uniqueid``...)."""

    variables: Mapping[str, str]


@dataclass(frozen=True, kw_only=True)
class AgiReply:
    """The answer to one command.

    ``result`` is what follows ``result=`` (often a number, ``-1``: the caller is gone), ``data``
    what stands in parentheses, ``endpos`` the sample at which a playback stopped (-1: none),
    ``text`` the reply as it came. ``code`` is 200, 510 (unknown command), 511 (the channel is
    dead), 520 (wrong usage) or 503.
    """

    code: int
    text: str
    result: str = ""
    data: str = ""
    endpos: int = -1


@dataclass(frozen=True)
class HangupNotice:
    """The caller is gone; what was asked is still answered."""


Item = Environment | AgiReply | HangupNotice


def encode_command(*words: str | int) -> bytes:
    """A command line: each word quoted, so that Asterisk reads back exactly what was given.

    Raises :class:`AgiValueError` for CR, LF or NUL, for half a character (a lone surrogate) and
    for more than :data:`MAX_COMMAND` bytes.
    """
    line = " ".join(_quote(str(word)) for word in words)
    if _FORBIDDEN.search(line):
        raise AgiValueError("an AGI command must not hold CR, LF, NUL or half a character")
    data = line.encode() + b"\n"
    if len(data) > MAX_COMMAND:
        raise AgiValueError(f"an AGI command of {len(data)} bytes: at most {MAX_COMMAND}")
    return data


def _quote(word: str) -> str:
    """res_agi.c, parse_args: in quotes only the backslash and the quote are special."""
    if re.fullmatch(r"[A-Za-z0-9_./:()-]+", word):
        return word
    return '"' + word.replace("\\", "\\\\").replace('"', '\\"') + '"'


def parse_environment(lines: list[str]) -> dict[str, str]:
    """The environment's lines as a dict.

    A name that comes twice is refused, not overwritten: a caller's name with a line break in it
    must not be able to replace what Asterisk says. Raises :class:`AgiSyntaxError`.
    """
    variables: dict[str, str] = {}
    for line in lines:
        name, colon, value = line.partition(":")
        if not colon or not _NAME.match(name):
            raise AgiSyntaxError("a line of the environment is not agi_name: value")
        if name in variables:
            raise AgiSyntaxError(f"{name} comes twice in the environment")
        variables[name] = value.removeprefix(" ")
    if not variables:
        raise AgiSyntaxError("the environment is empty")
    return variables


def parse_reply(line: str) -> AgiReply:
    """A reply of one line. Raises :class:`AgiSyntaxError`."""
    head = _REPLY.match(line)
    if head is None:
        raise AgiSyntaxError("a reply does not begin with a code of three digits")
    code, text = int(head.group(1)), head.group(3)
    body = _RESULT.match(text)
    if code == 200 and body is None:
        raise AgiSyntaxError("a reply 200 without result=")
    if body is None:
        return AgiReply(code=code, text=text)
    result, data, endpos = body.groups(default="")
    return AgiReply(
        code=code, text=text, result=result, data=data, endpos=int(endpos) if endpos else -1
    )


@dataclass
class AgiDecoder:
    """Bytes as they come, in any cut, to items. One per connection; of no use after an error."""

    _buffer: bytearray = field(default_factory=bytearray)
    _environment: list[str] | None = field(default_factory=list)  # None: it is complete
    _usage: list[str] = field(default_factory=list)  # an open reply of several lines

    def feed(self, data: bytes) -> list[Item]:
        """The items that ``data`` completes. Raises :class:`AgiSyntaxError`."""
        self._buffer += data
        items: list[Item] = []
        while (end := self._buffer.find(b"\n")) >= 0:
            line = bytes(self._buffer[:end])
            del self._buffer[: end + 1]
            self._check_length(line)
            items += self._line(line.removesuffix(b"\r").decode("utf-8", "replace"))
        self._check_length(self._buffer)
        return items

    def _check_length(self, line: bytes | bytearray) -> None:
        if len(line) > MAX_LINE:
            raise AgiSyntaxError(f"a line longer than {MAX_LINE} bytes")

    def _line(self, line: str) -> list[Item]:
        if self._environment is not None:
            return self._environment_line(line, self._environment)
        if self._usage:
            return self._usage_line(line)
        if line == "HANGUP":
            return [HangupNotice()]
        if line[3:4] == "-" and line[:3].isdigit():
            self._usage.append(line)
            return []
        return [parse_reply(line)]

    def _environment_line(self, line: str, lines: list[str]) -> list[Item]:
        if line == "":
            self._environment = None
            return [Environment(variables=parse_environment(lines))]
        lines.append(line)
        if len(lines) > MAX_ENVIRONMENT_LINES:
            raise AgiSyntaxError(f"an environment of more than {MAX_ENVIRONMENT_LINES} lines")
        return []

    def _usage_line(self, line: str) -> list[Item]:
        self._usage.append(line)
        if len(self._usage) > MAX_ENVIRONMENT_LINES:
            raise AgiSyntaxError("a reply of several lines does not end")
        if not line.startswith(f"{self._usage[0][:3]} "):
            return []
        lines, self._usage = self._usage, []
        return [AgiReply(code=int(lines[0][:3]), text="\n".join(lines))]
