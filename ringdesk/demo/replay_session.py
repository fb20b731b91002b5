"""One client of the replay PBX: its log-in, and the actions it sends."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Final

from cti.ami.codec import Framer, Message, parse
from ringdesk.demo.pbx_state import Row

if TYPE_CHECKING:
    from ringdesk.demo.replay import ReplayPbx

_MOST_UNREAD: Final = 4 * 1024 * 1024
BANNER: Final = b"Asterisk Call Manager/11.0.0\r\n"
VERSION: Final = "22.10.1 (replay)"
_ACCEPTED: Final = {
    "MixMonitor": "",
    "StopMixMonitor": "",
    "MixMonitorMute": "",
    "Redirect": "Redirect successful",
    "Hangup": "Channel Hungup",
    "Setvar": "Variable Set",
    "Originate": "Originate successfully queued",
    "UserEvent": "Event Sent",
    "Filter": "",
}
_ON_CHANNEL: Final = ("MixMonitor", "StopMixMonitor", "MixMonitorMute", "Redirect", "Hangup")


class Session:
    """One client: its log-in and its actions."""

    def __init__(self, pbx: ReplayPbx, writer: asyncio.StreamWriter) -> None:
        self.writer = writer
        self._pbx = pbx
        self._logged_in = False

    async def run(self, reader: asyncio.StreamReader) -> None:
        """Answer actions until the client leaves or is thrown out."""
        self.writer.write(BANNER)
        framer = Framer()
        framer.banner = ""
        while data := await reader.read(65536):
            for raw in framer.feed(data):
                if not self._answer(parse(raw)):
                    return
            await self.writer.drain()

    def send_event(self, raw: bytes) -> None:
        """An event, if logged in; who does not read is dropped, as Asterisk does."""
        if self.writer.transport.get_write_buffer_size() > _MOST_UNREAD:
            self.writer.transport.abort()
        elif self._logged_in:
            self.writer.write(raw + b"\r\n\r\n")

    def _answer(self, action: Message) -> bool:
        """Answer one action; False when the client has to go."""
        name = action.get("Action").lower()
        if name == "login":
            return self._log_in(action)
        if name == "logoff":
            self._respond(action, "Goodbye", "Thanks for all the fish.")
            return False
        if not self._logged_in:
            self._respond(action, "Error", "Permission denied")
            return True
        if name == "ping":
            self._respond(action, "Success", more=[("Ping", "Pong")])
            return True
        self._pbx.actions.append(action.get("Action"))
        self._carry_out(name, action)
        return True

    def _log_in(self, action: Message) -> bool:
        if not self._pbx.accepts(action.get("Username"), action.get("Secret")):
            self._respond(action, "Error", "Authentication failed")
            return False
        self._respond(action, "Success", "Authentication accepted")
        self._logged_in = True
        uptime = str(self._pbx.uptime())
        self.send_event(
            wire_message(
                [("Event", "FullyBooted"), ("Privilege", "system,all"), ("Uptime", uptime)]
            )
        )
        self._pbx.start_playing()
        return True

    def _carry_out(self, name: str, action: Message) -> None:
        try:
            handler = _HANDLERS.get(name, Session._accept)
            handler(self, action)
        except LookupError as refused:
            self._respond(action, "Error", str(refused.args[0]))
        except ValueError:
            self._respond(action, "Error", "Invalid value")

    def _accept(self, action: Message) -> None:
        known = {name.lower(): message for name, message in _ACCEPTED.items()}
        name = action.get("Action").lower()
        if name not in known:
            raise LookupError("Invalid/unknown command")
        if name in map(str.lower, _ON_CHANNEL):
            self._check_channel(action)
        more = [("MixMonitorID", "0x1")] if name == "mixmonitor" else []
        self._respond(action, "Success", known[name], more)

    def _check_channel(self, action: Message) -> None:
        if not self._pbx.state.channel_exists(action.get("Channel")):
            raise LookupError("No such channel")

    def _core_settings(self, action: Message) -> None:
        settings = [
            ("AMIversion", "11.0.0"),
            ("AsteriskVersion", VERSION),
            ("SystemName", "replay"),
        ]
        self._respond(action, "Success", more=settings)

    def _core_status(self, action: Message) -> None:
        self._respond(action, "Success", more=[("CoreCurrentCalls", "0")])

    def _channels(self, action: Message) -> None:
        rows = [("CoreShowChannel", row) for row in self._pbx.state.channels(self._pbx.now())]
        self._respond_list(action, "Channels will follow", rows, "CoreShowChannelsComplete")

    def _queue_status(self, action: Message) -> None:
        rows = self._pbx.state.queue_status(action.get("Queue"), self._pbx.now())
        self._respond_list(action, "Queue status will follow", rows, "QueueStatusComplete")

    def _queue_add(self, action: Message) -> None:
        row = self._pbx.state.add_member(
            action.get("Queue"),
            action.get("Interface"),
            action.get("MemberName"),
            action.get("Penalty", "0"),
            _as_digit(action.get("Paused")),
        )
        self._respond(action, "Success", "Added interface to queue")
        self._pbx.publish_event("QueueMemberAdded", row)

    def _queue_remove(self, action: Message) -> None:
        row = self._pbx.state.remove_member(action.get("Queue"), action.get("Interface"))
        self._respond(action, "Success", "Removed interface from queue")
        self._pbx.publish_event("QueueMemberRemoved", row)

    def _queue_pause(self, action: Message) -> None:
        paused = _as_digit(action.get("Paused"))
        rows = self._pbx.state.pause_member(
            action.get("Queue"), action.get("Interface"), paused, action.get("Reason")
        )
        words = (
            "Interface paused successfully" if paused == "1" else "Interface unpaused successfully"
        )
        self._respond(action, "Success", words)
        for row in rows:
            self._pbx.publish_event("QueueMemberPause", row)

    def _move_caller(self, action: Message) -> None:
        if action.get("Immediate").lower() in ("yes", "true", "1"):
            self._pbx.state.move_caller(
                action.get("Queue"), action.get("Caller"), int(action.get("Priority", "0"))
            )
        self._respond(action, "Success", "Priority change for caller on queue successful")

    def _getvar(self, action: Message) -> None:
        self._check_channel(action)
        name = action.get("Variable")
        value = self._pbx.state.variable(action.get("Channel"), name)
        self._respond(action, "Success", more=[("Variable", name), ("Value", value)])

    def _command(self, action: Message) -> None:
        line = action.get("Command").split(" ", 1)[0]
        output = [("Output", f"No such command '{line}' (this is the replay PBX)")]
        self._respond(action, "Success", "Command output follows", output)

    def _respond(
        self,
        action: Message,
        response: str,
        message: str = "",
        more: Sequence[tuple[str, str]] = (),
    ) -> None:
        head = [("Response", response)]
        if action.action_id:
            head.append(("ActionID", action.action_id))
        if message:
            head.append(("Message", message))
        self.writer.write(wire_message([*head, *more]) + b"\r\n\r\n")

    def _respond_list(
        self, action: Message, message: str, rows: list[tuple[str, Row]], complete: str
    ) -> None:
        mine = ("ActionID", action.action_id)
        self._respond(action, "Success", message, [("EventList", "start")])
        for event, row in rows:
            self.send_event(wire_message([("Event", event), mine, *row]))
        end = [("EventList", "Complete"), ("ListItems", str(len(rows)))]
        self.send_event(wire_message([("Event", complete), mine, *end]))


_HANDLERS: Final[Mapping[str, Callable[[Session, Message], None]]] = {
    "coresettings": Session._core_settings,
    "corestatus": Session._core_status,
    "coreshowchannels": Session._channels,
    "queuestatus": Session._queue_status,
    "queueadd": Session._queue_add,
    "queueremove": Session._queue_remove,
    "queuepause": Session._queue_pause,
    "queuechangeprioritycaller": Session._move_caller,
    "getvar": Session._getvar,
    "command": Session._command,
}


def wire_message(headers: Iterable[tuple[str, str]]) -> bytes:
    """Headers as the wire has them, without the blank line; a line break in a value is dropped."""
    lines = (f"{name}: {value}".replace("\r", "").replace("\n", " ") for name, value in headers)
    return "\r\n".join(lines).encode()


def _as_digit(flag: str) -> str:
    return "1" if flag.lower() in ("true", "yes", "1") else "0"
