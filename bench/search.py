"""How long a search over what was said takes, on SQLite and PostgreSQL, in a million segments.

    python -m bench.search [--segments 1000000] [--questions 400] [--only sqlite]

Recordings of 25 segments of 3 to 13 words each, words drawn as language draws them (Zipf), by 200
agents in 12 queues, over two years. Each question is what the page asks: the first 20 recordings,
newest first, with their snippets, by `recordings.search`. The kinds of questions take turns;
both databases are asked the same ones and must find the same. Goals: p95 over all questions.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from itertools import accumulate, islice
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
from sqlalchemy import ColumnElement, text, true
from sqlalchemy.ext.asyncio import AsyncEngine

from bench.report import Goal, machine, print_table, settle
from cti.storage import open_engine
from recordings.search import Search, Wanted
from recordings.search_index import WORDS, full_text
from recordings.settings import SpeechSettings
from recordings.tables import recordings
from recordings.transcription import Segment
from recordings.words import SEPARATOR, spoken, terms
from ringdesk.migrate import migrate
from tests.contract.fixtures_postgresql import run_server

WANTED = {"SQLite": 200.0, "PostgreSQL": 100.0}
"""Milliseconds."""
PER_RECORDING = 25
VOCABULARY = 30_000
AT_ONCE = 500
BEGAN = 1_700_000_000_000_000
APART = 1_500_000_000
"""Microseconds between two recordings: 40,000 of them are two years."""
SYLLABLES = [consonant + vowel for consonant in "bcdfghjklmnprstvwxyz" for vowel in "aeiou"]
COLUMNS = {
    "calls": "call_id switch direction arrived_at customer_id topic result",
    "recordings": "id call_id talk_id switch agent queue channel started_at state seconds language"
    " transcript",
    "transcripts": "recording_id engine language made_at words segments",
    "transcript_index": "id recording_id language",
    WORDS: "id customer agent",
}
LIMIT = 20


def vocabulary() -> list[str]:
    """Words by their rank: English ones where they are frequent, made-up ones behind."""
    frequent = "the you is to i it that and a for my on of in order please yes have refund card"
    words = dict.fromkeys(frequent.split())
    chance = random.Random(1)
    while len(words) < VOCABULARY:
        words["".join(chance.choices(SYLLABLES, k=chance.randint(2, 4)))] = None
    return list(words)


class Corpus:
    """The same recordings each time; a batch of rows for each table at a time."""

    def __init__(self, segments: int) -> None:
        self.recordings = segments // PER_RECORDING
        self.words = vocabulary()
        self.terms = [terms(word, "en")[0] for word in self.words]
        self._heads = [f'{{"text":"{word}","confidence":0.98,' for word in self.words]
        self._tails = [
            [f'"start":{at * 6 + n / 2},"end":{at * 6 + n / 2 + 0.4}}}' for n in range(14)]
            for at in range(PER_RECORDING)
        ]
        weights = 1 / np.arange(2.7, VOCABULARY + 2.7)
        self._chances = np.cumsum(weights / weights.sum())
        self._random = np.random.default_rng(7)

    def batches(self, dialect: str) -> Iterator[dict[str, list[tuple[Any, ...]]]]:
        numbers = iter(range(self.recordings))
        while some := list(islice(numbers, AT_ONCE)):
            rows: dict[str, list[tuple[Any, ...]]] = {table: [] for table in COLUMNS}
            for number in some:
                for table, row in self._rows(number, dialect):
                    rows[table].append(row)
            yield rows

    def _rows(self, number: int, dialect: str) -> Iterator[tuple[str, tuple[Any, ...]]]:
        recording_id, call_id = f"{number:032x}", f"pbx-{number}"
        at = BEGAN + number * APART
        agent, queue = f"PJSIP/{number * 7 % 200}", f"queue-{number % 12}"
        customer = number * 13 % 20_000 + 1
        said, sides, count = self._talk(number)
        yield "calls", (call_id, "pbx", "inbound", at, customer, ("bill", "sale")[number % 2], "")
        yield (
            "recordings",
            (
                recording_id, call_id, "t", "pbx", agent, queue, "x", at, "stored", 150.0, "en",
                "ready",
            ),
        )  # fmt: skip
        yield "transcripts", (recording_id, "bench", "en", at, count, said)
        yield "transcript_index", (at, recording_id, "en")
        yield WORDS, (at, full_text(sides[0], dialect), full_text(sides[1], dialect))

    def _talk(self, number: int) -> tuple[str, tuple[list[str], list[str]], int]:
        """One transcript as JSON, each side's terms, and how many words it has."""
        lengths = self._random.integers(3, 14, PER_RECORDING)
        ranks = np.searchsorted(self._chances, self._random.random(int(lengths.sum()))).tolist()
        segments, sides = [], ([], [])  # type: ignore[var-annotated]
        for at, (end, size) in enumerate(zip(accumulate(lengths), lengths, strict=True)):
            mine = ranks[end - size : end]
            heads = [self._heads[rank] for rank in mine]
            words = ",".join(map(str.__add__, heads, self._tails[at]))
            side = ("customer", "agent")[at % 2]
            segments.append(
                f'{{"speaker":"{side}","start":{at * 6},"end":{at * 6 + 5},"words":[{words}]}}'
            )
            sides[at % 2].extend((*(self.terms[rank] for rank in mine), SEPARATOR))
        said = f"[{','.join(segments)}]"
        terms_of = (sides[0][:-1], sides[1][:-1])
        if number == 0:  # it must be what the product would have written
            read = msgspec.json.decode(said, type=list[Segment])
            assert terms_of == (spoken(read, "customer", "en"), spoken(read, "agent", "en"))
        return said, terms_of, len(ranks)


async def fill_sqlite(engine: AsyncEngine, corpus: Corpus) -> None:
    async with engine.begin() as connection:
        for rows in corpus.batches("sqlite"):
            for table, values in rows.items():
                columns = (
                    COLUMNS[table].replace("id customer agent", "rowid customer agent").split()
                )
                marks = ", ".join("?" * len(columns))
                await connection.exec_driver_sql(
                    f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({marks})",  # noqa: S608
                    values,
                )
    async with engine.begin() as connection:
        await connection.execute(text("ANALYZE"))


async def fill_postgresql(engine: AsyncEngine, corpus: Corpus) -> None:
    async with engine.begin() as connection:
        raw = (await connection.get_raw_connection()).driver_connection
        assert raw is not None
        await connection.execute(text(f"DROP INDEX ix_{WORDS}"))
        for rows in corpus.batches("postgresql"):
            for table, values in rows.items():
                columns = ", ".join(COLUMNS[table].split())
                async with (
                    raw.cursor() as cursor,
                    cursor.copy(f"COPY {table} ({columns}) FROM STDIN") as copy,
                ):
                    for row in values:
                        await copy.write_row(row)
        await connection.execute(
            text(f"CREATE INDEX ix_{WORDS} ON {WORDS} USING gin (customer, agent)")
        )
    async with engine.connect() as connection:
        vacuum = await connection.execution_options(isolation_level="AUTOCOMMIT")
        await vacuum.execute(text("VACUUM ANALYZE"))


Question = tuple[str, str, dict[str, Any], ColumnElement[bool]]
"""Its kind, the words, the filters, and whose recordings may be found."""


def questions(corpus: Corpus, count: int) -> list[Question]:
    chance = random.Random(2)
    words = corpus.words

    def word(low: int, high: int) -> str:
        return words[chance.randrange(low, high)]

    since = BEGAN + corpus.recordings * APART * 9 // 10
    kinds: list[tuple[str, Callable[[], tuple[str, dict[str, Any]]]]] = [
        ("a rare word", lambda: (word(5_000, VOCABULARY), {})),
        ("a usual word", lambda: (word(200, 2_000), {})),
        ("a word of each talk", lambda: (word(0, 15), {})),
        ("two usual words", lambda: (f"{word(50, 600)} {word(50, 600)}", {})),
        ("a phrase of little words", lambda: (f'"{word(0, 15)} {word(0, 15)}"', {})),
        ("a phrase", lambda: (f'"{word(0, 15)} {word(50, 600)}"', {})),
        ("by the customer", lambda: (word(200, 2_000), {"speaker": "customer"})),
        ("in a queue", lambda: (word(50, 600), {"queue": f"queue-{chance.randrange(12)}"})),
        ("of a customer", lambda: (word(0, 15), {"customers": [chance.randrange(1, 20_000)]})),
        ("in a tenth of the time", lambda: (word(200, 2_000), {"since": since})),
        ("in one's own", lambda: (word(20, 200), {"own": f"PJSIP/{chance.randrange(200)}"})),
        ("what nobody said", lambda: (f"{word(0, 50)} neversaid", {})),
    ]
    asked: list[Question] = []
    for number in range(count):
        kind, make = kinds[number % len(kinds)]
        said, filters = make()
        own = filters.pop("own", "")
        asked.append((kind, said, filters, recordings.c.agent == own if own else true()))
    return asked


async def ask(engine: AsyncEngine, asked: Sequence[Question]) -> tuple[list[float], list[Any]]:
    """Milliseconds, and what was found, of each question."""
    search = Search(engine, SpeechSettings())
    took, found = [], []
    for number, (_, said, filters, allowed) in enumerate([*asked[:24], *asked]):
        started = time.perf_counter()
        wanted = Wanted(parts=await search.parts(said), **filters)
        rows = await search.find(wanted, allowed, before=None, limit=LIMIT)
        if number >= min(24, len(asked)):  # the first ones warm up
            took.append((time.perf_counter() - started) * 1000)
            found.append([row.recording.id for row in rows])
        assert all(row.hits for row in rows), "the database found what the transcript does not say"
    return took, found


def quantile(values: Sequence[float], part: float) -> float:
    return sorted(values)[min(len(values) - 1, int(len(values) * part))]


async def measure(
    name: str, url: str, fill: Any, corpus: Corpus, asked: Sequence[Question]
) -> tuple[Goal, list[Any]]:
    engine = open_engine(url)
    await migrate(engine)
    started = time.perf_counter()
    await fill(engine, corpus)
    print(f"\n{name}: filled in {time.perf_counter() - started:.0f} s\n")
    took, found = await ask(engine, asked)
    await engine.dispose()
    rows = []
    for kind in dict.fromkeys(kind for kind, *_ in asked):
        mine = [ms for (of, *_), ms in zip(asked, took, strict=True) if of == kind]
        seen = [len(ids) for (of, *_), ids in zip(asked, found, strict=True) if of == kind]
        figures = [quantile(mine, 0.5), quantile(mine, 0.95), max(mine)]
        rows.append([kind, *(f"{ms:.1f}" for ms in figures), f"{sum(seen) / len(seen):.1f}"])
    every = [quantile(took, 0.5), quantile(took, 0.95), max(took)]
    rows.append(["all", *(f"{ms:.1f}" for ms in every), f"{Counter(map(len, found))[0]} empty"])
    print_table([name, "p50 ms", "p95 ms", "max ms", "found"], rows)
    goal = Goal(f"{name} p95 ms", every[1], WANTED[name], at_most=True)
    return goal, found


async def main(options: argparse.Namespace) -> None:
    print(machine())
    print(f"{options.segments:,} segments, {options.segments // PER_RECORDING:,} recordings")
    goals, answers = [], []
    asked = questions(Corpus(options.segments), options.questions)
    with tempfile.TemporaryDirectory() as folder:
        if options.only in {"", "sqlite"}:
            url = f"sqlite+aiosqlite:///{Path(folder)}/bench.db"
            parts = await measure("SQLite", url, fill_sqlite, Corpus(options.segments), asked)
            goals.append(parts[0])
            answers.append(parts[1])
    if options.only in {"", "postgresql"}:
        for server in run_server("shared_buffers=512MB", "max_wal_size=4GB"):
            url, corpus = server.new_database(), Corpus(options.segments)
            goal, found = await measure("PostgreSQL", url, fill_postgresql, corpus, asked)
            goals.append(goal)
            answers.append(found)
    assert all(answer == answers[0] for answer in answers), "the databases found different things"
    settle(goals)


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--segments", type=int, default=1_000_000)
    parser.add_argument("--questions", type=int, default=400)
    parser.add_argument("--only", choices=["", "sqlite", "postgresql"], default="")
    asyncio.run(main(parser.parse_args()))
