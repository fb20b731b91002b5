"""One Asterisk as the rest of Ringdesk sees it: something that carries commands out."""

from __future__ import annotations

import time

import structlog

from cti.ami.actions import to_action
from cti.ami.client import AmiClient
from cti.domain.commands import AnyCommand, CommandFailed, Reply

log = structlog.get_logger(__name__)


class Switch:
    """Carries commands out on the Asterisk called ``name``; ``perform`` is a ``Perform``."""

    def __init__(self, name: str, client: AmiClient) -> None:
        self.name = name
        self._client = client

    async def perform(self, command: AnyCommand) -> Reply:
        """Send the command once and give the PBX's answer; a refusal is a Reply not ``ok``.

        Raises :class:`CommandFailed`. Refusals and failures are logged with how long they took,
        and without the command's values, which may be personal.
        """
        started = time.perf_counter()
        try:
            action = to_action(command)
            reply = await self._client.send(action.name, action.headers, as_list=action.as_list)
        except CommandFailed as failed:
            self._log("command_failed", command, started, kind=failed.kind, reason=failed.reason)
            raise
        if not reply.ok:
            self._log("command_refused", command, started, reason=reply.message)
        return reply

    def _log(self, event: str, command: AnyCommand, started: float, **details: str) -> None:
        milliseconds = round((time.perf_counter() - started) * 1000, 1)
        name, call_id = type(command).__name__, command.call_id
        log.warning(
            event, switch=self.name, call_id=call_id, command=name, took_ms=milliseconds, **details
        )
