"""Passwords: argon2id, computed in threads, a few at a time."""

from __future__ import annotations

import asyncio
import secrets

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

AT_ONCE = 2
"""Each check takes 64 MiB: more at once would let a flood of log-ins take the memory."""


class Passwords:
    """Hashes and checks. ``hasher`` says how much work one check is."""

    def __init__(self, hasher: PasswordHasher | None = None) -> None:
        self._hasher = hasher or PasswordHasher()
        self._turns = asyncio.Semaphore(AT_ONCE)
        self._nobody: str = ""

    async def hash(self, password: str) -> str:
        """The password as it is stored."""
        async with self._turns:
            return await asyncio.to_thread(self._hasher.hash, password)

    async def fits(self, stored: str | None, password: str) -> bool:
        """Whether the password is right; the same work when there is none to compare with."""
        if stored is None:
            self._nobody = self._nobody or await self.hash(generate())
        async with self._turns:
            right = await asyncio.to_thread(self._verify, stored or self._nobody, password)
        return right and stored is not None

    def _verify(self, stored: str, password: str) -> bool:
        try:
            return self._hasher.verify(stored, password)
        except (VerificationError, InvalidHashError):
            return False


def generate() -> str:
    """A random password that can be read out: 96 bits."""
    return secrets.token_urlsafe(12)
