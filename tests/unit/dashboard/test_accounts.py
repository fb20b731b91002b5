"""Users and sessions, through the running server."""

from __future__ import annotations

from sqlalchemy import select, update
from yarl import URL

from dashboard.accounts import HOUR, hash_token
from dashboard.routes import COOKIE
from dashboard.tables import audit, sessions, users
from tests.unit.dashboard.conftest import OpenHouse
from tests.unit.dashboard.house import PASSWORD, House, call


async def test_the_first_run_makes_one_admin_and_tells_the_password_once(house: House) -> None:
    password = await house.dashboard.accounts.ensure_first_admin()
    assert password is not None
    assert await house.dashboard.accounts.ensure_first_admin() is None
    browser = await house.browser()
    login = {"username": "admin", "password": password}
    status, answer = await call(browser, "POST", "/api/login", login)
    assert status == 200
    assert (answer["user"]["role"], answer["user"]["must_change"]) == ("admin", True)


async def test_neither_passwords_nor_tokens_are_stored(house: House) -> None:
    await house.user("anna", "agent")
    browser = await house.browser("anna")
    cookie = browser.cookie_jar.filter_cookies(URL(house.origin))[COOKIE].value
    async with house.dashboard.deps.engine.connect() as connection:
        stored = (await connection.execute(select(users.c.password_hash))).scalar_one()
        token = (await connection.execute(select(sessions.c.token_hash))).scalar_one()
    assert stored.startswith("$argon2id$")
    assert token == hash_token(cookie) != cookie


async def test_the_cookie_is_for_this_site_and_not_for_scripts(opened: OpenHouse) -> None:
    async with opened(public_origin="https://desk.example.com") as house:
        await house.user("anna", "agent")
        async with house.client.post(
            "/api/login",
            json={"username": "anna", "password": PASSWORD},
            headers={"X-Ringdesk": "1"},
        ) as response:
            cookie = response.headers["Set-Cookie"]
    assert {"HttpOnly", "SameSite=Strict", "Secure", "Path=/"} <= set(cookie.split("; "))


async def test_a_wrong_password_and_an_unknown_user_look_alike(house: House) -> None:
    await house.user("anna", "agent")
    browser = await house.browser()
    wrong = {"username": "anna", "password": "not the password"}
    unknown = {"username": "nobody", "password": "not the password"}
    first = await call(browser, "POST", "/api/login", wrong)
    assert first[0] == 401
    assert first == await call(browser, "POST", "/api/login", unknown)


async def test_too_many_log_ins_are_refused_with_the_time_to_wait(opened: OpenHouse) -> None:
    async with opened(login_attempts_per_username=3) as house:
        await house.user("anna", "agent")
        wrong = {"username": "anna", "password": "not the password"}
        statuses = [(await call(house.client, "POST", "/api/login", wrong))[0] for _ in range(4)]
        assert statuses == [401, 401, 401, 429]
        right = {"username": "ANNA", "password": PASSWORD}
        headers = {"X-Ringdesk": "1"}
        async with house.client.post("/api/login", json=right, headers=headers) as response:
            assert response.status == 429
            assert 0 < int(response.headers["Retry-After"]) <= 300


async def test_too_many_log_ins_from_one_address_are_refused(opened: OpenHouse) -> None:
    async with opened(login_attempts_per_address=2) as house:
        tries = [{"username": f"user{n}", "password": "not the password"} for n in range(3)]
        statuses = [(await call(house.client, "POST", "/api/login", one))[0] for one in tries]
        assert statuses == [401, 401, 429]


async def test_a_log_in_makes_a_new_session_whatever_cookie_was_there(house: House) -> None:
    await house.user("anna", "agent")
    browser = await house.browser()
    planted = {"Cookie": f"{COOKIE}=planted-by-somebody"}
    login = {"username": "anna", "password": PASSWORD}
    assert (await call(browser, "POST", "/api/login", login, headers=planted))[0] == 200
    browser.cookie_jar.clear()
    assert (await call(browser, "GET", "/api/me", headers=planted))[0] == 401


async def test_a_second_log_in_ends_the_first_session_of_the_browser(house: House) -> None:
    await house.user("anna", "agent")
    browser = await house.browser("anna")
    cookies = browser.cookie_jar.filter_cookies(URL(house.origin))
    old = {"Cookie": f"{COOKIE}={cookies[COOKIE].value}"}
    login = {"username": "anna", "password": PASSWORD}
    assert (await call(browser, "POST", "/api/login", login))[0] == 200
    browser.cookie_jar.clear()
    assert (await call(browser, "GET", "/api/me", headers=old))[0] == 401


async def test_log_out_ends_the_session(house: House) -> None:
    await house.user("anna", "agent")
    browser = await house.browser("anna")
    assert (await call(browser, "POST", "/api/logout"))[0] == 204
    assert (await call(browser, "GET", "/api/me"))[0] == 401


async def test_sessions_end_by_age_and_by_silence(opened: OpenHouse) -> None:
    async with opened(session_hours=12, session_idle_hours=2) as house:
        await house.user("anna", "agent")
        for column, ago in ((sessions.c.last_seen_at, 2 * HOUR), (sessions.c.expires_at, 0)):
            browser = await house.browser("anna")
            assert (await call(browser, "GET", "/api/me"))[0] == 200
            then = house.dashboard.deps.now() - ago
            async with house.dashboard.deps.engine.begin() as connection:
                await connection.execute(update(sessions).values({column.name: then}))
            assert (await call(browser, "GET", "/api/me"))[0] == 401


async def test_a_new_password_ends_the_other_sessions_only(house: House) -> None:
    await house.user("anna", "agent")
    here, there = await house.browser("anna"), await house.browser("anna")
    wrong = {"old": "not the password", "new": "a new long password"}
    assert (await call(here, "PUT", "/api/me/password", wrong))[0] == 409
    change = {"old": PASSWORD, "new": "a new long password"}
    assert (await call(here, "PUT", "/api/me/password", change))[0] == 204
    assert (await call(here, "GET", "/api/me"))[0] == 200
    assert (await call(there, "GET", "/api/me"))[0] == 401


async def test_users_are_added_changed_and_audited(house: House) -> None:
    await house.user("root", "admin")
    admin = await house.browser("root")
    new = {"username": "anna", "name": "Anna", "role": "agent", "agent": "PJSIP/101"}
    status, answer = await call(admin, "POST", "/api/users", new)
    assert (status, answer["user"]["queues"]) == (201, [])
    assert len(answer["password"]) >= 12
    again = await call(admin, "POST", "/api/users", new | {"agent": ""})
    phone = await call(admin, "POST", "/api/users", new | {"username": "boris"})
    assert [again[0], phone[0]] == [409, 409]
    assert phone[1]["error"]["message"] == "PJSIP/101 is the phone of anna"
    status, answer = await call(admin, "PATCH", "/api/users/anna", {"queues": ["support"]})
    assert answer["user"]["queues"] == ["support"]
    assert (await call(admin, "PATCH", "/api/users/nobody", {"name": "x"}))[0] == 404
    async with house.dashboard.deps.engine.connect() as connection:
        actions = (await connection.execute(select(audit.c.action))).scalars().all()
    assert actions == ["log_in", "add_user", "change_user"]


async def test_a_user_without_rights_any_more_is_out_at_once(house: House) -> None:
    await house.user("root", "admin")
    await house.user("anna", "agent")
    admin, anna = await house.browser("root"), await house.browser("anna")
    assert (await call(admin, "PATCH", "/api/users/anna", {"active": False}))[0] == 200
    assert (await call(anna, "GET", "/api/me"))[0] == 401
    login = {"username": "anna", "password": PASSWORD}
    assert (await call(anna, "POST", "/api/login", login))[0] == 401


async def test_the_last_admin_stays(house: House) -> None:
    await house.user("root", "admin")
    admin = await house.browser("root")
    for change in ({"active": False}, {"role": "agent"}):
        assert (await call(admin, "PATCH", "/api/users/root", change))[0] == 409
