"""kill -9 while a manager's mobile and a customer who is called back ring.

The VIP waits on, both phones are let go, and nobody is called twice.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from aiohttp import ClientSession

from crm_bridge.importing import import_customers
from cti.clock import now
from cti.storage import open_engine
from dashboard.accounts import Accounts
from dashboard.settings import DashboardSettings
from ringdesk.demo.prefix import Prefix
from ringdesk.demo.world import SAMPLE_CUSTOMERS
from ringdesk.migrate import migrate
from tests.chaos.rig import PATIENCE, Rig, chaos_rig

pytestmark = pytest.mark.pbx

MARINA, TO_CALL = 47, "+447700900152"
SETTINGS = """[personal_manager]
classes = ["VIP"]
ring = 60
whisper = ""
ask = "beep"
[callback]
enabled = true
ring = 60
sound = "beep"
web_token = "t0ken"
"""


async def furnish(url: str) -> None:
    """The sample customers, and an agent of the queue."""
    engine = open_engine(url)
    await migrate(engine)
    await import_customers(engine, SAMPLE_CUSTOMERS.read_text(), region="GB", at=now())
    accounts = Accounts(engine, DashboardSettings(), now)
    await accounts.add(
        "anna", "Anna", "agent", password="long enough", agent="PJSIP/101", queues=["support"]
    )
    await engine.dispose()


async def ask_for_a_callback(rig: Rig) -> None:
    headers = {"X-Ringdesk": "1", "Authorization": "Bearer t0ken"}
    body = {"number": TO_CALL, "queue": "support"}
    async with (
        ClientSession(rig.page, headers=headers) as site,
        site.post("/api/callbacks/web", json=body) as answer,
    ):
        assert answer.status == 200, await answer.text()


async def test_nobody_is_harmed_and_nobody_is_called_twice(
    asterisk_prefix: Prefix, tmp_path: Path
) -> None:
    async with chaos_rig(asterisk_prefix, tmp_path, more=SETTINGS, prepare=furnish) as rig:
        await ask_for_a_callback(rig)
        customer = await rig.trunk.incoming(timeout=PATIENCE)
        vip = await rig.call(MARINA)
        mobile = await rig.trunk.incoming(timeout=PATIENCE)
        await rig.told(lambda: rig.count("ManagerCalled") == 1, "the manager's call")
        await rig.told(lambda: rig.count("CallbackCalled") == 1, "the callback")
        await rig.kill_ringdesk()

        for phone in (customer, mobile):
            await phone.answer()
        for phone in (customer, mobile):
            await phone.ended(timeout=10)  # the dialplan asks in vain, and hangs up
        assert "support has 1 calls" in await rig.asterisk.cli("queue show support")

        await rig.serve()
        ended = {"ended": "cancelled", "reason": "Ringdesk was restarted"}
        await rig.told(lambda: rig.count("ManagerCallEnded", **ended) == 1, "its end")
        state = "select state || attempts || reason from callbacks"
        reached = "requested1nobody was reached while Ringdesk did not look"
        await rig.told(lambda: rig.ask(state) == reached, "an attempt that counts")
        _, agent = await rig.talk()
        await rig.told(lambda: rig.count("CallAnswered") == 1, "an agent to answer")
        await agent.hangup()
        await vip.ended(timeout=PATIENCE)
        await rig.quiet()
        await rig.all_ended(3)
        assert (rig.count("ManagerCalled"), rig.count("CallbackCalled")) == (1, 1)
        joined = "select joined_to from calls where joined_to is not null"
        first = "select call_id from calls where direction = 'inbound' and did = '700'"
        assert rig.ask(joined) == rig.ask(first)
