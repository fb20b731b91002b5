"""Invented customers, calls and views, as the server would send them."""

from __future__ import annotations

import time
from typing import Any

Json = dict[str, Any]
SECOND = 1_000_000
DAY = 86_400 * SECOND


def now() -> int:
    """Microseconds since the epoch."""
    return time.time_ns() // 1000


MARINA: Json = {
    "id": 7,
    "name": "Marina Ivanova",
    "status": "current",
    "tier": "vip",
    "segment": "B2B",
    "company": "Sever Logistics",
    "owner_name": "Pavel Reznik",
    "owner_extension": "140",
    "owner_mobile": "+447700900140",
    "phones": [{"number": "+447700900147", "label": "mobile"}],
    "created_at": 0,
}
ANTON: Json = {
    "id": 8,
    "name": "Anton Ivanov",
    "status": "current",
    "tier": "standard",
    "company": "Sever Logistics, warehouse",
}
LENA: Json = {"id": 9, "name": "Lena Hofmann", "status": "former", "company": "Nord Trade"}
LONG: Json = {
    **MARINA,
    "id": 10,
    "name": "Maximiliana Konstantinopolskaya-Featherstonehaugh von Hohenberg-Wittelsbach",
    "company": "Gesellschaft für internationale Beförderungsdienstleistungen mbH & Co. KG",
    "owner_name": "Bartholomew Archibald Montgomery-Cholmondeley",
}
NUMBER = "+447700900147"


def me(role: str = "agent", **more: Any) -> Json:
    """A person as ``GET /api/me`` tells."""
    agent = "PJSIP/101" if role == "agent" else ""
    name = {"agent": "Anna Petrova", "admin": "Ada Olsen"}.get(role, "Sam Keller")
    return {
        "username": role,
        "name": name,
        "role": role,
        "agent": agent,
        "queues": ["support"],
        **more,
    }


def waiting(name: str = "", number: str = "", ago: int = 0, boost: int = 0, **more: Any) -> Json:
    """One waiting caller who joined ``ago`` seconds ago with a head start of ``boost`` seconds."""
    joined = now() - ago * SECOND
    tier = more.pop("tier", "vip" if boost >= 100 else "gold" if boost else "standard")
    label = {"vip": "VIP", "gold": "Gold"}.get(tier, "Standard")
    return {
        "call_id": more.pop("call_id", f"sw1-{name or number or ago}"),
        "joined_at": joined,
        "virtual_join": joined - boost * SECOND,
        "label": label,
        "terms": [{"label": label, "seconds": boost}] if boost else [],
        "number": number,
        "name": name,
        "tier": tier,
        "match": "one" if name else "none" if number else "anonymous",
        "offered": False,
        **more,
    }


def ladder() -> Json:
    """Six callers of one queue."""
    return {
        "w1": waiting("Marina Ivanova", NUMBER, 35, 120, call_id="sw1-live"),
        "w2": waiting("", "+442079460172", 102, tier=""),
        "w3": waiting("Orlov & Co", "+447700900121", 12, 60),
        "w4": waiting("Dimitar Kolev", "+447700900188", 68),
        "w5": waiting("", "", 51, tier=""),
        "w6": waiting("Elena Smirnova", "+447700900133", 40),
    }


def crowd(count: int = 30) -> Json:
    """``count`` callers."""
    names = ("Nord Trade", "Igor Belov", "", "Svetla Petrova", "Hana Kovač", "Alfa Bank")
    return {
        f"c{i:02}": waiting(
            f"{names[i % 6]} {i}" if names[i % 6] else "",
            f"+44770090{i:04}",
            9 * i + 4,
            (0, 0, 120, 0, 60, 0)[i % 6],
        )
        for i in range(count)
    }


def contact(days: int, outcome: str, **more: Any) -> Json:
    """A past contact ``days`` days ago."""
    return {
        "call_id": f"sw1-past-{days}",
        "at": now() - days * DAY,
        "direction": "inbound",
        "outcome": outcome,
        **more,
    }


CONTACTS = [
    contact(
        3,
        "answered",
        agent="Ivan Todorov",
        queue="support",
        talked=401 * SECOND,
        result="callback",
        note="October invoice 5501 is wrong; promised a corrected one by Monday.",
    ),
    contact(9, "abandoned", queue="support"),
    contact(
        41,
        "answered",
        agent="Pavel Reznik",
        talked=185 * SECOND,
        result="solved",
        note="Renewal agreed, contract sent.",
    ),
]


def call(phase: str = "ringing", customer: Json | None = MARINA, **more: Any) -> Json:
    """My call, in ``phase``."""
    at = now()
    answered = at - 138 * SECOND if phase in {"talking", "on_hold", "ended"} else 0
    return {
        "call_id": "sw1-live",
        "phase": phase,
        "since": at - 4 * SECOND,
        "offered_at": at - 4 * SECOND if phase == "ringing" else at - 146 * SECOND,
        "answered_at": answered,
        "ended_at": at - 2 * SECOND if phase == "ended" else 0,
        "direction": "inbound",
        "number": NUMBER,
        "caller_number": NUMBER,
        "did": "+442079460100",
        "queue": "support",
        "waited": 35 * SECOND,
        "path": ["Main menu", "1 Billing"],
        "why": "VIP +120 s, waited 35 s: 1st of 6",
        "recording": None
        if phase == "ringing"
        else {"id": "r-live", "state": "stored" if phase == "ended" else "recording", "reason": ""},
        "pop": {
            "number": NUMBER,
            "match": "one",
            "customer": customer,
            "candidates": [],
            "contacts": CONTACTS,
            "notes": [],
        },
        "disposition": None,
        **more,
    }


def live_me(
    user: Json, availability: str = "available", activity: str = "idle", **more: Any
) -> Json:
    """``view.me``."""
    since = now() - 138 * SECOND
    return {
        **user,
        "availability": availability,
        "reason": "",
        "since": since,
        "until": 0,
        "activity": activity,
        "activity_since": since,
        **more,
    }


def link(*, first: bool = True) -> Json:
    """The link to a switch, up for an hour."""
    return {"up": True, "since": now() - 3600 * SECOND, "reason": "", "first": first}


def view(user: Json | None = None, **more: Any) -> Json:
    """A whole View; keyword arguments replace its parts."""
    user = user or me()
    return {
        "me": live_me(user),
        "links": {"sw1": link()},
        "today": {"calls": 17, "talked": 5900 * SECOND, "missed": 1},
        "call": None,
        "queues": {"support": {"waiting": ladder()}},
        "agents": {},
        **more,
    }


def agents() -> Json:
    """The agents of a floor."""

    def row(name: str, availability: str, activity: str, ago: int, **more: Any) -> Json:
        return {
            "name": name,
            "availability": availability,
            "reason": "",
            "activity": activity,
            "since": now() - ago * SECOND,
            "call_id": "",
            "number": "",
            "name_of_customer": "",
            **more,
        }

    return {
        "PJSIP/101": row(
            "Anna Petrova",
            "available",
            "talking",
            138,
            call_id="sw1-past-3",
            name_of_customer="Marina Ivanova",
        ),
        "PJSIP/102": row("Ivan Todorov", "available", "idle", 12),
        "PJSIP/103": row("Olga Lisina", "wrap_up", "idle", 31),
        "PJSIP/104": row(
            "Maria Koleva", "available", "ringing", 4, call_id="x", number="+442079460172"
        ),
        "PJSIP/105": row("Sergey Volkov", "break", "idle", 962, reason="lunch"),
        "PJSIP/106": row("Kiril Iliev", "offline", "idle", 9000),
        "PJSIP/107": row("Dasha Kim", "available", "unreachable", 72),
        "PJSIP/108": row(
            "Todor Ganev", "available", "on_hold", 26, call_id="y", name_of_customer="Alfa Bank"
        ),
    }


def targets() -> Json:
    """To whom a call can be handed on."""

    def one(number: int, name: str, availability: str, activity: str, **more: Any) -> Json:
        return {
            "agent": f"PJSIP/{number}",
            "name": name,
            "availability": availability,
            "reason": "",
            "activity": activity,
            "why_not": "",
            **more,
        }

    gone = "the phone is not registered"
    return {
        "agents": [
            one(102, "Ivan Todorov", "available", "idle"),
            one(103, "Olga Lisina", "break", "idle", reason="lunch"),
            one(104, "Pavel Reznik", "available", "talking"),
            one(105, "Vera Zotova", "offline", "unreachable", why_not=gone),
        ],
        "queues": [
            {"queue": "sales", "waiting": 0, "free": 2},
            {"queue": "support", "waiting": 6, "free": 1},
        ],
    }


def recording(recording_id: str, call_id: str, **more: Any) -> Json:
    """A RecordingRow of six seconds."""
    return {
        "id": recording_id,
        "call_id": call_id,
        "agent": "PJSIP/102",
        "started_at": now() - 3 * DAY,
        "seconds": 6.0,
        "state": "stored",
        "reason": "",
        "transcript": "ready",
        "sha256": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
        **more,
    }


def history(count: int = 120) -> list[Json]:
    """``count`` rows of history, newest first."""
    who = ((MARINA, NUMBER), (None, "+442079460172"), (LENA, "+447700900133"), (None, ""))
    outcomes = ("answered", "answered", "abandoned", "answered", "no_answer")
    rows = []
    for i in range(count):
        customer, number = who[i % 4]
        outcome = outcomes[i % 5]
        answered = outcome == "answered"
        arrived = now() - 40 * SECOND - i * 7_000 * SECOND
        rows.append(
            {
                "call_id": f"sw1-past-{i}",
                "arrived_at": arrived,
                "answered_at": arrived + 30 * SECOND if answered else None,
                "ended_at": arrived + 200 * SECOND,
                "direction": "outbound" if i % 7 == 6 else "inbound",
                "outcome": outcome,
                "number": number,
                "caller_number": number,
                "customer": customer
                and {key: customer.get(key, "") for key in ("id", "name", "tier", "status")},
                "queue": "support",
                "agent": "PJSIP/102" if answered else "",
                "agent_name": "Ivan Todorov" if answered else "",
                "waited": (12 + i % 90) * SECOND,
                "talked": (40 + i * 13 % 400) * SECOND if answered else 0,
                "path": ["Main menu", "1 Billing"],
                "why": "VIP +120 s, waited 35 s: 1st of 6" if customer is MARINA else "",
                "note": "Invoice 5501 is wrong, corrected one promised by Monday."
                if answered and i % 3 == 0
                else "",
                "topic": "billing" if answered and i % 3 == 0 else "",
                "result": "callback" if answered and i % 3 == 0 else "",
                "note_by": "Ivan Todorov" if answered and i % 3 == 0 else "",
                "reconstructed": i % 5 == 1,
                "recordings": [recording(f"r{i}", f"sw1-past-{i}")] if answered else [],
            }
        )
    return rows


STEPS = [
    "Call from +44 7700 900147 to +44 20 7946 0100",
    "Entered the menu “Main menu”",
    "Pressed 1: Billing",
    "Joined the queue support at place 6",
    "Recognised as Marina Ivanova (VIP) in 12 ms",
    "Moved from 6th to 1st: VIP +120 s, waited 2 s",
    "Offered to Ivan Todorov (PJSIP/102)",
    "Answered by Ivan Todorov after 35 s",
    "Recording started",
    "The call ended: talked 6:41",
    "Transcript ready: 31 words",
]

LINES = (
    ("agent", "Good morning Marina how can I help you"),
    ("customer", "Hello the invoice for October is wrong again"),
    ("agent", "Let me check the order number please"),
    ("customer", "Five five zero one"),
)


def transcript(recording_id: str) -> Json:
    """Four lines, six seconds, a word of low confidence."""
    total = sum(len(text.split()) for _, text in LINES)
    step, at, segments = 6.0 / total, 0.0, []
    for speaker, text in LINES:
        words = []
        for word in text.split():
            confidence = 0.43 if word == "October" else 0.97
            words.append(
                {
                    "word": word,
                    "start": round(at, 3),
                    "end": round(at + step, 3),
                    "confidence": confidence,
                }
            )
            at += step
        segments.append(
            {
                "speaker": speaker,
                "start": words[0]["start"],
                "end": words[-1]["end"],
                "text": text,
                "words": words,
            }
        )
    return {
        "recording_id": recording_id,
        "engine": "test",
        "language": "en",
        "segments": segments,
    }


def found(calls: list[Json], q: str) -> list[Json]:
    """FoundRows of the recorded ``calls`` whose sample transcript holds the words ``q``."""
    wanted = q.replace('"', "").split()
    hits = []
    for segment in transcript("r")["segments"]:
        if not any(word in segment["text"].lower().split() for word in wanted):
            continue
        words = segment["words"]
        lit = [word["word"].lower() in wanted for word in words]
        pieces: list[Json] = []
        for word, hit in zip(words, lit, strict=True):
            if pieces and pieces[-1]["hit"] is hit:
                pieces[-1]["text"] += f" {word['word']}"
            else:
                pieces.append({"text": word["word"], "hit": hit})
        hits.append(
            {
                "speaker": segment["speaker"],
                "start": words[lit.index(True)]["start"],
                "pieces": pieces,
                "before": False,
                "after": segment["speaker"] == "customer",
            }
        )
    return [
        {
            "recording": one | {"started_at": row["arrived_at"]},
            **{key: row[key] for key in ("queue", "agent_name", "customer", "number")},
            **{key: row[key] for key in ("topic", "result")},
            "hits": hits,
            "places": len(hits) + number % 2,
        }
        for number, row in enumerate(calls)
        for one in row["recordings"]
        if hits
    ]


def peaks() -> Json:
    """Two lanes that take turns."""

    def lane(mine: int) -> list[int]:
        turn = [40 + (i * 37 + mine * 11) % 190 for i in range(300)]
        return [height if ((i // 60) % 2) == mine else (i * 7) % 9 for i, height in enumerate(turn)]

    return {
        "custody": "intact",
        "seconds": 6.0,
        "peaks_per_second": 50,
        "agent": lane(0),
        "customer": lane(1),
    }
