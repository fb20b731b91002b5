"""Ports that are still free when their owner takes them."""

from __future__ import annotations

import socket

import pytest

from ringdesk.demo import asterisk
from ringdesk.demo.asterisk import AsteriskFailed, free_port


def test_never_the_same_twice_and_never_one_that_the_system_gives_away() -> None:
    ports = [free_port() for _ in range(200)]
    assert len(set(ports)) == 200
    assert max(ports) < 10_000


def test_one_that_is_taken_is_passed_over(monkeypatch: pytest.MonkeyPatch) -> None:
    port = free_port(socket.SOCK_DGRAM)
    monkeypatch.setattr(asterisk, "_OURS", (port, port + 1))
    monkeypatch.setattr(asterisk, "_given", set())
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as taken:
        taken.bind(("127.0.0.1", port))
        with pytest.raises(AsteriskFailed, match="no free port"):
            free_port(socket.SOCK_DGRAM)
    assert free_port(socket.SOCK_DGRAM) == port
