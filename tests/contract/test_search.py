"""The search over what was said finds in each database what the transcripts say."""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import Any

import msgspec
import pytest
from sqlalchemy import delete, insert, select, text, true
from sqlalchemy.ext.asyncio import AsyncEngine

from cti.tables import calls
from recordings import rows
from recordings.search import Found, Search, Wanted
from recordings.search_index import WORDS, index_missing, transcript_index
from recordings.settings import SpeechSettings
from recordings.tables import recordings, transcripts
from recordings.transcription import Segment, Word, conversation
from recordings.words import hits
from tests.contract.stories import AT

SPEECH = SpeechSettings(queue_languages={"ru": "ru", "bg": "bg"})


def words(said: str, start: float) -> list[Word]:
    return [
        Word(text=text, start=start + at * 0.4, end=start + at * 0.4 + 0.3, confidence=1.0)
        for at, text in enumerate(said.split())
    ]


def talk(*lines: str) -> list[Segment]:
    """Lines beginning with ``c:`` (the customer's) or ``a:`` (the agent's), ten seconds each."""
    sides: dict[str, list[Word]] = {"c": [], "a": []}
    for at, line in enumerate(lines):
        sides[line[0]] += words(line[2:], at * 10.0)
    return conversation(sides["c"], sides["a"])


TALKS: dict[str, tuple[str, list[Segment]]] = {
    "en-1": ("en", talk("c:i want to return the broken laptop", "a:a refund takes ten days")),
    "en-2": ("en", talk("a:we returned your money", "c:thank you i don't need a refund again")),
    "en-3": ("en", talk("c:my order number is seven two four", "a:the laptop returns are easy")),
    "en-4": ("en", talk("c:yes", "a:yes refund", "c:ten", "a:days it is")),
    "ru-1": ("ru", talk("c:хочу оформить возврат ещё вчера", "a:деньги вернутся завтра")),
    "ru-2": ("ru", talk("a:оформление возврата займёт три дня", "c:спасибо за возвраты")),
    "bg-1": ("bg", talk("c:къде е поръчката ми", "a:вашата поръчка пътува")),
    "bg-2": ("bg", talk("a:договорът е готов", "c:искам нов договор и пари")),
}


async def add(engine: AsyncEngine, name: str, at: int, **more: Any) -> None:
    """A recording of a call of its own, with its transcript."""
    language, segments = TALKS[name.partition("#")[0]]
    call = {"call_id": f"pbx-{name}", "switch": "pbx", "direction": "inbound", "arrived_at": at}
    call |= {key: more.pop(key) for key in ("customer_id", "topic", "result") if key in more}
    recording = {
        "call_id": call["call_id"], "talk_id": name, "switch": "pbx", "agent": "PJSIP/101",
        "queue": "support", "channel": "x", "started_at": at, "state": "stored",
        "seconds": 60.0, "language": language,
    } | more  # fmt: skip
    async with engine.begin() as connection:
        await connection.execute(insert(calls).values(call))
    await rows.save(engine, name, recording)
    said = {
        "engine": "vosk", "language": language, "made_at": at, "words": 1,
        "segments": msgspec.json.encode(segments).decode(),
    }  # fmt: skip
    await rows.save_transcript(engine, name, said, {"transcript": "ready"})


@pytest.fixture
async def corpus(engine: AsyncEngine) -> AsyncEngine:
    for at, name in enumerate(TALKS):
        await add(engine, name, AT + at)
    return engine


async def find(engine: AsyncEngine, asked: str, speaker: Any = None, **more: Any) -> list[Found]:
    search = Search(engine, SPEECH)
    page = {"before": more.pop("before", None), "limit": more.pop("limit", 50)}
    allowed = more.pop("allowed", true())
    wanted = Wanted(parts=await search.parts(asked), speaker=speaker, **more)
    return await search.find(wanted, allowed, **page)


def ids(found: Sequence[Found]) -> list[str]:
    return [one.recording.id for one in found]


@pytest.mark.parametrize(
    ("asked", "speaker", "expected"),
    [
        ("refund", None, ["en-4", "en-2", "en-1"]),
        ("REFUNDS", "customer", ["en-2"]),
        ("returning laptops", None, ["en-3", "en-1"]),
        ("return laptop", "agent", ["en-3"]),
        ("laptop refund", None, ["en-1"]),  # each on another side
        ('"return the broken laptop"', None, ["en-1"]),
        ('"broken return"', None, []),
        ('"ten days"', None, ["en-1"]),  # not over two segments
        ("“the laptop returns” easy", None, ["en-3"]),
        ('"the laptop', None, ["en-3"]),  # the second quotation mark is still to be typed
        ("dont", None, ["en-2"]),
        ("don't", None, ["en-2"]),
        ("724", None, ["en-3"]),
        ("возвратом", None, ["ru-2", "ru-1"]),
        ("Возврата", "customer", ["ru-2", "ru-1"]),
        ("еще", None, ["ru-1"]),
        ('"оформить возврат"', None, ["ru-1"]),
        ("деньгами", "agent", ["ru-1"]),
        ("поръчки", None, ["bg-1"]),
        ("договорите", None, ["bg-2"]),
        ("договора", "customer", ["bg-2"]),
        ("нищо", None, []),
        ("' OR 1=1 --", None, []),
        ("refund NOT ten", None, []),
        ("refund*", None, ["en-4", "en-2", "en-1"]),
        ("{customer}: refund", None, []),
    ],
)
async def test_what_is_found(
    corpus: AsyncEngine, asked: str, speaker: Any, expected: list[str]
) -> None:
    found = await find(corpus, asked, speaker)
    assert ids(found) == expected
    assert all(one.hits for one in found)


async def test_both_databases_find_what_the_transcripts_say(corpus: AsyncEngine) -> None:
    """Questions made of what was said: the database agrees with reading everything."""
    chance = random.Random(4)
    said = {
        name: [w.text for segment in segments for w in segment.words]
        for name, (_, segments) in TALKS.items()
    }
    for _ in range(150):
        pool = said[chance.choice(list(said))] + said[chance.choice(list(said))]
        some = [chance.choice(pool) for _ in range(chance.randint(1, 3))]
        at = chance.randrange(len(pool) - 1)
        asked = " ".join([*some[1:], f'"{pool[at]} {pool[at + 1]}"'] if len(some) > 1 else some)
        speaker = chance.choice([None, "customer", "agent"])
        parts = await Search(corpus, SPEECH).parts(asked)
        wanted = [
            name
            for name, (language, segments) in reversed(TALKS.items())
            if hits(segments, language, parts, speaker or "")
        ]
        assert ids(await find(corpus, asked, speaker)) == wanted, (asked, speaker)


async def test_a_hit_says_where(corpus: AsyncEngine) -> None:
    (found,) = await find(corpus, "laptop days")
    assert [hit.speaker for hit in found.hits] == ["customer", "agent"]
    assert [hit.start for hit in found.hits] == pytest.approx([2.4, 11.6])
    assert [(piece.text, piece.hit) for piece in found.hits[0].pieces] == [
        ("i want to return the broken", False),
        ("laptop", True),
    ]
    (number,) = await find(corpus, "724")
    assert [piece.text for piece in number.hits[0].pieces if piece.hit] == ["seven two four"]


async def test_filters(corpus: AsyncEngine) -> None:
    more = {"queue": "sales", "agent": "PJSIP/102", "seconds": 5.0}
    await add(corpus, "en-1#2", AT + 100, customer_id=7, topic="bill", result="paid", **more)
    for wanted in (
        {"queue": "sales"},
        {"agent": "PJSIP/102"},
        {"customers": [7]},
        {"topic": "bill"},
        {"result": "paid"},
        {"longest": 5.0},
        {"since": AT + 100},
        {"allowed": recordings.c.agent == "PJSIP/102"},
    ):
        assert ids(await find(corpus, "refund", **wanted)) == ["en-1#2"], wanted
    for wanted in ({"customers": []}, {"until": AT}, {"shortest": 61.0}):
        assert ids(await find(corpus, "refund", **wanted)) == [], wanted
    assert ids(await find(corpus, "refund", until=AT + 100)) == ["en-4", "en-2", "en-1"]


async def test_pages_and_recordings_that_began_at_once(corpus: AsyncEngine) -> None:
    for number in range(3):
        await add(corpus, f"en-4#{number}", AT + 50)
    seen: list[str] = []
    before = None
    while page := await find(corpus, "yes refund", before=before, limit=2):
        seen += ids(page)
        before = page[-1].place
    assert seen == ["en-4#2", "en-4#1", "en-4#0", "en-4"]


async def test_a_deleted_transcript_is_not_found(corpus: AsyncEngine) -> None:
    async with corpus.begin() as connection:
        await connection.execute(delete(transcripts).where(transcripts.c.recording_id == "en-1"))
    assert ids(await find(corpus, "refund")) == ["en-4", "en-2"]
    async with corpus.connect() as connection:
        left = await connection.execute(text(f"SELECT count(*) FROM {WORDS}"))
        assert left.scalar_one() == len(TALKS) - 1


async def test_a_transcript_made_anew_replaces_the_old_one(corpus: AsyncEngine) -> None:
    anew = msgspec.json.encode(talk("c:something else")).decode()
    said = {"engine": "v", "language": "en", "made_at": AT, "words": 2, "segments": anew}
    await rows.save_transcript(corpus, "en-1", said, {"transcript": "ready"})
    assert ids(await find(corpus, "refund")) == ["en-4", "en-2"]
    assert ids(await find(corpus, "something")) == ["en-1"]


async def test_transcripts_from_before_the_index_are_indexed_once(corpus: AsyncEngine) -> None:
    async with corpus.begin() as connection:
        await connection.execute(delete(transcript_index))
    assert ids(await find(corpus, "refund")) == []
    assert await index_missing(corpus) == len(TALKS)
    assert await index_missing(corpus) == 0
    assert ids(await find(corpus, "refund")) == ["en-4", "en-2", "en-1"]


async def test_a_failed_write_leaves_no_index(corpus: AsyncEngine) -> None:
    broken = {"engine": "v", "language": "en", "made_at": AT, "words": 2, "segments": "[{}]"}
    with pytest.raises(msgspec.ValidationError):
        await rows.save_transcript(corpus, "en-1", broken, {"transcript": "failed"})
    assert ids(await find(corpus, "refund")) == ["en-4", "en-2", "en-1"]
    async with corpus.connect() as connection:
        states = select(recordings.c.transcript).where(recordings.c.id == "en-1")
        assert (await connection.execute(states)).scalar_one() == "ready"
