"""Users and their sessions.

A session is an opaque random token in a cookie; the database holds its SHA-256 only. It ends
after ``session_hours``, after ``session_idle_hours`` without a sign of life, at log-out, and when
the user's password or rights change. Every log-in makes a new token: one that was there before
is worth nothing afterwards (OWASP: session fixation).
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Row, delete, func, insert, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncEngine

from cti.agent_names import split
from cti.clock import Now
from cti.domain.events import Micros
from dashboard.passwords import Passwords, generate
from dashboard.picture import AgentCard
from dashboard.rights import Role
from dashboard.settings import DashboardSettings
from dashboard.tables import sessions, users

HOUR = 3600 * 1_000_000
TOUCH_EVERY = 60 * 1_000_000
"""A sign of life is written down at most this often (microseconds)."""


class AccountError(Exception):
    """A change of the user list that cannot be made; ``cure`` says what to do instead."""

    def __init__(self, reason: str, cure: str) -> None:
        super().__init__(reason)
        self.cure = cure


@dataclass(frozen=True)
class User:
    """One log-in. ``agent`` is the agent's name or "", ``queues`` as in the PBX.

    An agent is called by the phone's interface, ``PJSIP/101``, and where that is on another switch
    than the first one, with the switch before it: ``west:PJSIP/101``.
    """

    id: int
    username: str
    name: str
    role: Role
    agent: str
    queues: tuple[str, ...]
    active: bool
    must_change: bool


@dataclass(frozen=True)
class Session:
    """A living session and its user."""

    token_hash: str
    user: User
    expires_at: Micros


class Accounts:
    """The user list and the sessions. Errors of the database are SQLAlchemy's.

    ``switches``: those on which an agent's phone may be, the first one first.
    """

    def __init__(
        self,
        engine: AsyncEngine,
        settings: DashboardSettings,
        now: Now,
        passwords: Passwords | None = None,
        switches: Sequence[str] = (),
    ) -> None:
        self._engine = engine
        self._switches = switches
        self._now = now
        self._passwords = passwords or Passwords()
        self._longest = int(settings.session_hours * HOUR)
        self._idle = int(settings.session_idle_hours * HOUR)

    # --- users ---------------------------------------------------------------------------------

    async def ensure_first_admin(self) -> str | None:
        """Make the user ``admin`` when there is no user at all; returns the password, once."""
        async with self._engine.connect() as connection:
            if (await connection.execute(select(func.count()).select_from(users))).scalar():
                return None
        _, password = await self.add("admin", "Administrator", "admin", must_change=True)
        return password

    async def add(
        self,
        username: str,
        name: str,
        role: Role,
        *,
        password: str | None = None,
        agent: str = "",
        queues: Sequence[str] = (),
        must_change: bool | None = None,
    ) -> tuple[User, str | None]:
        """A new user, and the password when it was made here.

        Raises :class:`AccountError` when the user name or the agent's phone is taken, or is on a
        switch that there is not.
        """
        agent = self._agent(agent)
        await self._phone_is_free(agent, username)
        made = None if password else generate()
        row = {
            "username": username,
            "name": name,
            "role": role,
            "password_hash": await self._passwords.hash(password or made or ""),
            "agent": agent,
            "queues": list(queues),
            "active": True,
            "must_change": made is not None if must_change is None else must_change,
            "created_at": self._now(),
        }
        try:
            async with self._engine.begin() as connection:
                await connection.execute(insert(users).values(row))
        except IntegrityError:
            raise AccountError(f"the user name {username} is taken", "choose another") from None
        return await self._the(username), made

    async def change(self, username: str, changes: Mapping[str, Any]) -> User | None:
        """Change ``name``, ``role``, ``agent``, ``queues``, ``active`` or ``password``.

        None when there is no such user. A change of anything but the name ends their sessions.
        Raises :class:`AccountError`.
        """
        user = await self.by_name(username)
        if user is None:
            return None
        values = dict(changes)
        if "agent" in values:
            values["agent"] = self._agent(values["agent"])
        await self._phone_is_free(values.get("agent", ""), username)
        await self._admin_stays(user, values)
        if (password := values.pop("password", None)) is not None:
            values |= {"password_hash": await self._passwords.hash(password), "must_change": True}
        await self._update(user, values)
        if values.keys() - {"name"}:
            await self.end_sessions(user)
        return await self._the(username)

    async def set_password(self, user: User, old: str, new: str) -> bool:
        """The user's own change; False when ``old`` is wrong. Ends their other sessions."""
        if not await self._passwords.fits(await self._hash_of(user.username), old):
            return False
        hashed = await self._passwords.hash(new)
        await self._update(user, {"password_hash": hashed, "must_change": False})
        return True

    async def by_name(self, username: str) -> User | None:
        """One user, active or not."""
        found = await self._read(users.c.username == username)
        return found[0] if found else None

    async def all(self) -> list[User]:
        """Everybody, by user name."""
        return await self._read()

    async def agent_cards(self) -> dict[str, AgentCard]:
        """Names and queues of the active users who have a phone, by its interface."""
        found = await self._read(users.c.active, users.c.agent != "")
        return {u.agent: AgentCard(u.name, frozenset(u.queues)) for u in found}

    def _agent(self, agent: str) -> str:
        """The agent's one name: the first switch is not named. Raises :class:`AccountError`."""
        switch, interface = split(agent)
        if switch and switch not in self._switches:
            known = ", ".join(self._switches)
            raise AccountError(f"there is no switch {switch}", f"name one of these: {known}")
        return interface if switch in self._switches[:1] else agent

    async def _phone_is_free(self, agent: str, username: str) -> None:
        if agent and (
            taken := await self._read(users.c.agent == agent, users.c.username != username)
        ):
            raise AccountError(
                f"{agent} is the phone of {taken[0].username}", "take it from them first"
            )

    async def _admin_stays(self, user: User, values: Mapping[str, Any]) -> None:
        keeps = values.get("role", "admin") == "admin" and values.get("active", True)
        if user.role != "admin" or not user.active or keeps:
            return
        if len(await self._read(users.c.role == "admin", users.c.active)) == 1:
            raise AccountError(
                f"{user.username} is the last active admin", "make somebody else an admin first"
            )

    async def _update(self, user: User, values: Mapping[str, Any]) -> None:
        if values:
            async with self._engine.begin() as connection:
                await connection.execute(
                    update(users).where(users.c.id == user.id).values(**values)
                )

    async def _the(self, username: str) -> User:
        found = await self.by_name(username)
        assert found is not None  # noqa: S101 (written a moment ago, users are never deleted)
        return found

    async def _read(self, *conditions: ColumnElement[bool]) -> list[User]:
        query = select(users).where(*conditions).order_by(users.c.username)
        async with self._engine.connect() as connection:
            return [_user(row) for row in await connection.execute(query)]

    async def _hash_of(self, username: str) -> str | None:
        query = select(users.c.password_hash).where(users.c.username == username, users.c.active)
        async with self._engine.connect() as connection:
            return (await connection.execute(query)).scalar()

    # --- sessions ------------------------------------------------------------------------------

    async def log_in(self, username: str, password: str) -> tuple[str, User] | None:
        """A fresh token and its user, or None; the same work for a user who does not exist."""
        if not await self._passwords.fits(await self._hash_of(username), password):
            return None
        user = await self._the(username)
        return await self._open_session(user), user

    async def _open_session(self, user: User) -> str:
        token, now = secrets.token_urlsafe(32), self._now()
        row = {
            "token_hash": hash_token(token),
            "user_id": user.id,
            "created_at": now,
            "last_seen_at": now,
            "expires_at": now + self._longest,
        }
        async with self._engine.begin() as connection:
            await connection.execute(delete(sessions).where(self._is_over(now)))
            await connection.execute(insert(sessions).values(row))
        return token

    async def session(self, token: str) -> Session | None:
        """The session of a cookie's token if it lives; counts as a sign of life."""
        token_hash, now = hash_token(token), self._now()
        query = (
            select(users, sessions.c.last_seen_at, sessions.c.expires_at)
            .join(sessions, sessions.c.user_id == users.c.id)
            .where(sessions.c.token_hash == token_hash, users.c.active, ~self._is_over(now))
        )
        async with self._engine.connect() as connection:
            row = (await connection.execute(query)).first()
        if row is None:
            return None
        if row.last_seen_at < now - TOUCH_EVERY:
            await self.touch([token_hash])
        return Session(token_hash, _user(row), row.expires_at)

    async def touch(self, token_hashes: Sequence[str]) -> None:
        """Signs of life, as an open desk gives them."""
        query = update(sessions).where(sessions.c.token_hash.in_(token_hashes))
        async with self._engine.begin() as connection:
            await connection.execute(query.values(last_seen_at=self._now()))

    async def living(self, token_hashes: Sequence[str]) -> set[str]:
        """Those of the sessions that live."""
        query = (
            select(sessions.c.token_hash)
            .join(users, sessions.c.user_id == users.c.id)
            .where(sessions.c.token_hash.in_(token_hashes), users.c.active)
            .where(~self._is_over(self._now()))
        )
        async with self._engine.connect() as connection:
            return set((await connection.execute(query)).scalars())

    async def log_out(self, token: str) -> str:
        """End the session of a cookie's token; returns its hash."""
        token_hash = hash_token(token)
        async with self._engine.begin() as connection:
            await connection.execute(delete(sessions).where(sessions.c.token_hash == token_hash))
        return token_hash

    async def end_sessions(self, user: User, keep: str = "") -> None:
        """End the user's sessions, except the one with the hash ``keep``."""
        mine = (sessions.c.user_id == user.id) & (sessions.c.token_hash != keep)
        async with self._engine.begin() as connection:
            await connection.execute(delete(sessions).where(mine))

    def _is_over(self, now: Micros) -> ColumnElement[bool]:
        return (sessions.c.expires_at <= now) | (sessions.c.last_seen_at <= now - self._idle)


def hash_token(token: str) -> str:
    """What the database holds of a session's token (256 random bits need no salt)."""
    return hashlib.sha256(token.encode("utf-8", "surrogateescape")).hexdigest()


def _user(row: Row[Any]) -> User:
    return User(
        id=row.id,
        username=row.username,
        name=row.name,
        role=row.role,
        agent=row.agent,
        queues=tuple(row.queues),
        active=row.active,
        must_change=row.must_change,
    )
