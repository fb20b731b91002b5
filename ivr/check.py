"""What one menu file cannot know by itself: targets, loops and steps of all menus together."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass

from cti.config_files import Problem, TomlDocument, did_you_mean
from ivr.model import Destination, Exit, HoursStep, Menu

Node = tuple[str, str]
"""A menu's name and a step's name."""


@dataclass(frozen=True)
class MenuFile:
    """A menu together with the text it was read from."""

    document: TomlDocument
    menu: Menu


def check_targets(
    files: Mapping[str, MenuFile], menu_names: Collection[str], calendar_names: Collection[str]
) -> Iterator[Problem]:
    """Steps, menus and calendars that are named but do not exist.

    The names are of all files, also of those with problems of their own.
    """
    for file in files.values():
        for name, step in file.menu.step.items():
            for way in step.exits():
                yield from _check_exit(file, name, way, menu_names)
            if isinstance(step, HoursStep) and step.calendar not in calendar_names:
                yield file.document.problem(
                    ("step", name, "calendar"),
                    f'there is no calendar "{step.calendar}"',
                    did_you_mean(step.calendar, calendar_names)
                    or f"write a calendar file {step.calendar}.toml",
                )


def _check_exit(
    file: MenuFile, step: str, way: Exit, menu_names: Collection[str]
) -> Iterator[Problem]:
    known = {"step": file.menu.step.keys(), "menu": menu_names}.get(way.to.kind)
    if known is not None and way.to.target not in known:
        yield file.document.problem(
            ("step", step, *way.key),
            f'there is no {way.to.kind} "{way.to.target}"',
            did_you_mean(way.to.target, known),
        )


def check_loops(files: Mapping[str, MenuFile]) -> Iterator[Problem]:
    """Ways that lead round and round without the caller doing anything, each told once."""
    told: set[Node] = set()
    for node in _nodes(files):
        way = [] if node in told else _way_back(node, files)
        if way:
            told.update(way)
            menu, step = node
            round_trip = " -> ".join(f"{menu}.{step}" for menu, step in (*way, node))
            yield files[menu].document.problem(
                ("step", step),
                f"a caller who does nothing would go round for ever: {round_trip}",
                "let one of these steps end: queue, extension, voicemail or hang up",
            )


def _way_back(start: Node, files: Mapping[str, MenuFile]) -> list[Node]:
    """The shortest way from ``start`` back to it that needs no caller (empty: there is none)."""
    came_from: dict[Node, Node] = {}
    waiting = [start]
    while waiting:
        node = waiting.pop(0)
        for following in _next_nodes(node, files, silent=True):
            if following == start:
                return _path(node, start, came_from)
            if following not in came_from:
                came_from[following] = node
                waiting.append(following)
    return []


def _path(node: Node, start: Node, came_from: Mapping[Node, Node]) -> list[Node]:
    path = [node]
    while path[-1] != start:
        path.append(came_from[path[-1]])
    return path[::-1]


def check_unreachable(files: Mapping[str, MenuFile]) -> Iterator[Problem]:
    """Steps to which no way leads from the first step of their menu. Warnings, not errors."""
    for name, file in files.items():
        reached = _reached((name, file.menu.first), files)
        for step in file.menu.step:
            if (name, step) not in reached:
                yield file.document.problem(
                    ("step", step),
                    "no step leads here",
                    f'name it somewhere: "step {step}", or remove it',
                )


def _reached(start: Node, files: Mapping[str, MenuFile]) -> set[Node]:
    reached = {start}
    waiting = [start]
    while waiting:
        for node in _next_nodes(waiting.pop(), files, silent=False):
            if node not in reached:
                reached.add(node)
                waiting.append(node)
    return reached


def _nodes(files: Mapping[str, MenuFile]) -> Iterable[Node]:
    return ((name, step) for name, file in files.items() for step in file.menu.step)


def _next_nodes(node: Node, files: Mapping[str, MenuFile], *, silent: bool) -> Iterator[Node]:
    """The steps after ``node``; ``silent``: only those reached without the caller."""
    menu, step = node
    for way in files[menu].menu.step[step].exits():
        following = _node_of(menu, way.to, files)
        if following and not (silent and way.by_caller):
            yield following


def _node_of(menu: str, to: Destination, files: Mapping[str, MenuFile]) -> Node | None:
    if to.kind == "step" and to.target in files[menu].menu.step:
        return menu, to.target
    if to.kind == "menu" and to.target in files:
        return to.target, files[to.target].menu.first
    return None
