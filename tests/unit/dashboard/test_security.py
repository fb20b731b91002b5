"""What every answer carries, and what never gets through."""

from __future__ import annotations

import base64
import hashlib
import re
from typing import Any

import pytest
from yarl import URL

from dashboard.app import STATIC
from dashboard.security import content_policy
from tests.unit.dashboard.conftest import OpenHouse
from tests.unit.dashboard.house import PASSWORD, House, call

LOGIN = {"username": "anna", "password": PASSWORD}


def test_the_policy_names_the_import_map_by_its_hash() -> None:
    policy = content_policy('<script type="importmap">{"imports": {}}</script>')
    digest = base64.b64encode(hashlib.sha256(b'{"imports": {}}').digest()).decode()
    assert policy == (
        f"default-src 'none'; script-src 'self' 'sha256-{digest}'; style-src 'self'; "
        "img-src 'self' data:; connect-src 'self'; media-src 'self' blob:; font-src 'self'; "
        "base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
    )


def test_the_page_holds_no_inline_script_but_the_import_map() -> None:
    page = (STATIC / "index.html").read_text(encoding="utf-8")
    inline = re.findall(r"<script(?![^>]*\bsrc=)[^>]*>", page)
    assert inline == ['<script type="importmap">']
    assert not re.search(r"\son\w+=|<style|\sstyle=", page)


@pytest.mark.parametrize("path", ["/", "/static/main.js", "/api/health", "/api/nothing", "/none"])
async def test_every_answer_carries_the_headers(house: House, path: str) -> None:
    async with house.client.get(path) as response:
        headers = response.headers
    assert headers["Content-Security-Policy"].startswith("default-src 'none'; script-src 'self' ")
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Referrer-Policy"] == "no-referrer"
    assert "microphone=()" in headers["Permissions-Policy"]
    expected = "no-store" if path.startswith("/api/") else "no-cache"
    assert headers["Cache-Control"] == expected


async def test_static_files_are_asked_for_again_but_not_sent_again(house: House) -> None:
    async with house.client.get("/static/main.js") as response:
        tag = response.headers["ETag"]
    headers = {"If-None-Match": tag}
    async with house.client.get("/static/main.js", headers=headers) as response:
        assert response.status == 304


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 200),
        ({"Origin": "{own}"}, 200),
        ({"Origin": "https://evil.example"}, 403),
        ({"Origin": "null"}, 403),
        ({"Origin": "file://"}, 403),
        ({"Origin": "{own}.evil.example"}, 403),
        ({"X-Ringdesk": "0"}, 403),
    ],
)
async def test_state_changes_come_from_our_own_page(
    house: House, headers: dict[str, str], status: int
) -> None:
    await house.user("anna", "agent")
    headers = {name: value.replace("{own}", house.origin) for name, value in headers.items()}
    assert (await call(house.client, "POST", "/api/login", LOGIN, headers=headers))[0] == status


async def test_behind_a_proxy_the_public_origin_is_ours(opened: OpenHouse) -> None:
    async with opened(public_origin="https://desk.example.com") as house:
        await house.user("anna", "agent")
        headers = {"Origin": "https://desk.example.com"}
        assert (await call(house.client, "POST", "/api/login", LOGIN, headers=headers))[0] == 200


@pytest.mark.parametrize(
    "path",
    [
        "/static/../app.py",
        "/static/%2e%2e/app.py",
        "/static/..%2fapp.py",
        "/static/%2e%2e%2f%2e%2e%2fpyproject.toml",
        "/static//etc/passwd",
        "/static/..\\app.py",
        "/static/%00",
        "/static/",
    ],
)
async def test_no_path_leads_out_of_the_static_files(house: House, path: str) -> None:
    async with house.client.get(URL(f"{house.origin}{path}", encoded=True)) as response:
        assert response.status in {400, 403, 404}
        assert "import" not in await response.text()


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"null",
        b"[]",
        b'"text"',
        b"\xff\xfe\x00",
        b'{"username": "anna"}',
        b'{"username": "anna", "password": 1}',
        b'{"username": "anna", "password": "x", "role": "admin"}',
        b'{"username": "an\\u0000na", "password": "x"}',
        b'{"username": "\\ud800", "password": "x"}',
        b"[" * 100_000,
        b'{"a":' * 10_000,
    ],
)
async def test_hostile_json_is_refused_in_shape(house: House, body: bytes) -> None:
    headers = {"X-Ringdesk": "1", "Content-Type": "application/json"}
    async with house.client.post("/api/login", data=body, headers=headers) as response:
        answer: Any = await response.json()
    assert response.status in {400, 422}
    assert answer["error"].keys() == {"code", "message", "cure"}


async def test_a_body_too_long_is_refused(house: House) -> None:
    body = {"username": "anna", "password": "x" * 300_000}
    status, answer = await call(house.client, "POST", "/api/login", body)
    assert (status, answer["error"]["code"]) == (413, "too_long")


async def test_errors_have_one_shape_also_for_addresses_and_methods_there_are_not(
    house: House,
) -> None:
    assert (await call(house.client, "GET", "/api/nothing"))[1]["error"]["code"] == "not_found"
    status, answer = await call(house.client, "DELETE", "/api/me")
    assert (status, answer["error"]["code"]) == (405, "no_such_method")


async def test_a_database_that_is_away_is_said_so(house: House) -> None:
    await house.user("anna", "agent")
    browser = await house.browser("anna")
    async with house.dashboard.deps.engine.begin() as connection:
        await connection.exec_driver_sql("ALTER TABLE sessions RENAME TO sessions_away")
    status, answer = await call(browser, "GET", "/api/me")
    assert (status, answer["error"]["code"]) == (503, "database_away")
    async with house.dashboard.deps.engine.begin() as connection:
        await connection.exec_driver_sql("ALTER TABLE sessions_away RENAME TO sessions")
