"""The command line: ``ringdesk --help``."""

from __future__ import annotations

import asyncio
import csv
import json
import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Literal

import typer

from crm_bridge.importing import RowVerdict
from cti.config_files import ConfigFileError
from ringdesk import __version__, logs
from ringdesk.settings import Settings, load_settings

app = typer.Typer(
    name="ringdesk",
    help="Ringdesk turns an existing Asterisk into a contact centre that knows its customers."
    "\n\nStart with [bold]ringdesk demo[/bold]. For your own PBX: write a settings file"
    " (config/ringdesk.toml is one to copy), paste what [bold]ringdesk asterisk-config[/bold]"
    " prints, let [bold]ringdesk doctor[/bold] check both, then [bold]ringdesk serve[/bold].",
    no_args_is_help=True,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
    add_completion=False,
)
customers = typer.Typer(help="The customers Ringdesk recognises.", no_args_is_help=True)
users = typer.Typer(help="Who may log in.", no_args_is_help=True)
menus = typer.Typer(help="The IVR menus.", no_args_is_help=True)
app.add_typer(customers, name="customers")
app.add_typer(users, name="users")
app.add_typer(menus, name="menus")

ConfigOption = Annotated[
    Path,
    typer.Option("--config", "-c", help="The settings file (TOML).", show_default=True),
]
DEFAULT_CONFIG = Path("config/ringdesk.toml")


class Refused(typer.Exit):
    """Say why on standard error and leave with status 2."""

    def __init__(self, reason: object) -> None:
        typer.secho(str(reason), err=True, fg="red" if sys.stderr.isatty() else None)
        super().__init__(code=2)


def read_settings(path: Path, *, secrets: bool = True) -> Settings:
    """The settings, or the end with their problems on standard error."""
    try:
        return load_settings(path, secrets=secrets)
    except ConfigFileError as error:
        raise Refused(error) from None


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"ringdesk {__version__}")
        raise typer.Exit


@app.callback()
def top(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Options before any command."""


@app.command()
def serve(config: ConfigOption = DEFAULT_CONFIG) -> None:
    """Run the server for your own PBX until it is told to stop (Ctrl-C, SIGTERM)."""
    import uvloop

    from ringdesk.server import StartFailed, serve_until_told

    settings = read_settings(config)
    logs.set_up(settings.log_format, settings.log_level)
    try:
        uvloop.run(serve_until_told(settings))
    except StartFailed as error:
        raise Refused(error) from None


@app.command()
def demo(
    once: Annotated[
        bool, typer.Option("--once", help="Play one fixed scenario without a browser, then stop.")
    ] = False,
    as_json: Annotated[
        bool, typer.Option("--json", help="With --once: print what happened as JSON.")
    ] = False,
    pbx: Annotated[
        Literal["asterisk", "replay"],
        typer.Option(help="A real Asterisk, or one that replays recorded calls."),
    ] = "asterisk",
    port: Annotated[int, typer.Option(help="TCP port of the page; 0 takes a free one.")] = 8080,
) -> None:
    """Show the main job: real calls, the customer popping up in the browser.

    Fetches a real Asterisk into .cache (about 100 MB, once, no root needed), starts it and Ringdesk
    on free ports of this machine, lets robot customers call and robot agents answer, and prints the
    address and the log-ins. Ctrl-C ends all of it.
    """
    from ringdesk.demo.run import run_demo, run_once

    if once:
        raise typer.Exit(run_once(pbx=pbx, as_json=as_json))
    raise typer.Exit(run_demo(pbx=pbx, port=port))


@app.command()
def doctor(
    config: ConfigOption = DEFAULT_CONFIG,
    as_json: Annotated[bool, typer.Option("--json", help="Print the checks as JSON.")] = False,
) -> None:
    """Check this installation: each line says what is wrong and the exact text that fixes it.

    Exit status 0 when nothing is broken, 1 otherwise.
    """
    from ringdesk.doctor import examine
    from ringdesk.doctor.report import print_report

    settings = read_settings(config)
    logs.set_up(level="error")
    checks = asyncio.run(examine(settings))
    raise typer.Exit(print_report(checks, as_json=as_json))


@app.command()
def replay(
    file: Annotated[
        Path, typer.Argument(help="A recorded AMI stream, as it came from Asterisk (or gzipped).")
    ],
    as_json: Annotated[bool, typer.Option("--json", help="Print the calls as JSON.")] = False,
    agent: Annotated[
        list[str] | None,
        typer.Option(help="A phone of yours that the stream does not betray, such as PJSIP/101."),
    ] = None,
) -> None:
    """Tell what became of each call in a recorded AMI stream: waits, offers, talks, transfers.

    Phones of agents are known by being members of queues, dialled by their own name, calling with
    their own name as their number, or having a short number as their name. The stream may begin and
    end in the middle of calls. Exit status 2 when the file is no AMI stream.
    """
    from cti.capture import NoCapture, calls_in, read_capture
    from ringdesk import call_report

    try:
        messages = read_capture(file.read_bytes())
    except OSError as error:
        raise Refused(f"{file} cannot be read: {error.strerror}") from None
    except NoCapture as error:
        raise Refused(
            f"{file} is no recorded AMI stream: {error} (record what Asterisk sends to a"
            " logged-in AMI client, byte for byte)"
        ) from None
    if not any("Timestamp" in message for message in messages):
        typer.echo("no times in the stream: set timestampevents = yes in manager.conf", err=True)
    calls = calls_in(messages, agent or ())
    typer.echo(call_report.as_json(calls) if as_json else call_report.as_text(calls))


@app.command("asterisk-config")
def asterisk_config(
    config: ConfigOption = DEFAULT_CONFIG,
    part: Annotated[
        Literal["all", "manager", "extensions", "lean", "logs"],
        typer.Option(help="Print one part only, e.g. to write it to a file."),
    ] = "all",
    switch: Annotated[
        str, typer.Option(help="For which Asterisk, where there are several; else the first.")
    ] = "",
) -> None:
    """Print what to put into Asterisk's configuration for this installation."""
    from ringdesk.snippets import snippets_for

    settings = read_settings(config)
    if switch and switch not in settings.switch_names:
        known = ", ".join(settings.switch_names)
        raise Refused(f"there is no switch {switch} in {config}: name one of {known}")
    parts = snippets_for(settings.at(switch or settings.switch))
    typer.echo("\n".join(parts.values()) if part == "all" else parts[part])


@customers.command("import")
def import_customers(
    file: Annotated[
        Path, typer.Argument(help="A CSV file (UTF-8) whose first line names columns.")
    ],
    config: ConfigOption = DEFAULT_CONFIG,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Judge every row, keep none.")] = False,
    report: Annotated[
        Path | None, typer.Option(help="Write the verdict of each row to this CSV file.")
    ] = None,
) -> None:
    """Take customers in from a CSV file, with a verdict for each row.

    Columns: name, phone (phone2, phone3...), external_id, status, tier, segment, company,
    owner_name, owner_extension, owner_mobile, language, value, open_complaint, open_deal, note.
    The value is what is at stake in whole units of your currency; the two open_ ones are yes or no.
    The same external_id, or the same phone and name, is the same customer and gets the new values.
    Rows which cannot be used are rejected with the reason; the others are taken in together or, if
    the database fails, not at all.

    Exit status 0 when every row was taken, 1 when some were rejected, 2 when none could be read.
    """
    from ringdesk import offline

    settings = read_settings(config)
    try:
        verdicts = asyncio.run(
            offline.import_customers(settings, file, dry_run=dry_run, progress=_progress)
        )
    except offline.Failed as error:
        raise Refused(error) from None
    if report:
        _write_report(report, verdicts)
    counts = Counter[str](verdict.verdict for verdict in verdicts)
    for verdict in verdicts:
        if verdict.reason:
            typer.echo(f"line {verdict.line}: {verdict.verdict}: {verdict.reason}")
    said = ", ".join(f"{counts[name]} {name}" for name in offline.VERDICTS)
    rows = _counted(len(verdicts), "row")
    typer.echo(f"{rows}: {said}" + (" (dry run: nothing kept)" if dry_run else ""))
    raise typer.Exit(1 if counts["rejected"] else 0)


def _counted(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def _progress(done: int) -> None:
    if done % 1000 == 0 and sys.stderr.isatty():
        typer.echo(f"\r{done} rows", nl=False, err=True)


def _write_report(path: Path, verdicts: Sequence[RowVerdict]) -> None:
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["line", "verdict", "customer_id", "reason"])
        for row in verdicts:
            writer.writerow([row.line, row.verdict, row.customer_id, row.reason])


@users.command("add")
def add_user(
    username: Annotated[str, typer.Argument(help="What the person types to log in.")],
    role: Annotated[
        Literal["agent", "supervisor", "telemarketer", "manager", "admin"], typer.Option()
    ] = "agent",
    name: Annotated[str, typer.Option(help="The name others see.")] = "",
    agent: Annotated[
        str, typer.Option(help="The agent's phone as the PBX names it, such as PJSIP/101.")
    ] = "",
    queue: Annotated[
        list[str] | None, typer.Option(help="A queue the agent serves; may stand several times.")
    ] = None,
    config: ConfigOption = DEFAULT_CONFIG,
) -> None:
    """Let somebody log in. Prints a password once; it is not kept anywhere."""
    from ringdesk import offline

    settings = read_settings(config)
    try:
        password = asyncio.run(
            offline.add_user(
                settings, username=username, name=name, role=role, agent=agent, queues=queue or []
            )
        )
    except offline.Failed as error:
        raise Refused(error) from None
    typer.echo(f"{username} may log in with the password {password}")


@users.command("password")
def reset_password(
    username: Annotated[str, typer.Argument(help="Whose password is forgotten.")],
    config: ConfigOption = DEFAULT_CONFIG,
) -> None:
    """Give a new password, printed once; every open session of the user ends."""
    from ringdesk import offline

    try:
        password = asyncio.run(offline.reset_password(read_settings(config), username))
    except offline.Failed as error:
        raise Refused(error) from None
    typer.echo(f"{username} may log in with the password {password}")


@app.command()
def lab(
    policies: Annotated[
        list[Path] | None,
        typer.Argument(help="Policy files; the first is the reference. None: the one in force."),
    ] = None,
    load: Annotated[
        str, typer.Option("--load", help="A made-up day: a name in lab.loads_folder, or a file.")
    ] = "critical",
    day: Annotated[
        list[str] | None,
        typer.Option(help="A recorded day: 2026-11-24, or yesterday; may stand several times."),
    ] = None,
    replications: Annotated[
        int, typer.Option("--replications", "-n", min=2, max=1000, help="How often to play a day.")
    ] = 10,
    busier: Annotated[
        float, typer.Option(min=0.01, max=100, help="1.2: a fifth more callers than the load has.")
    ] = 1.0,
    agents: Annotated[int, typer.Option(min=0, max=2000, help="So many agents; 0: as it is.")] = 0,
    target: Annotated[
        float, typer.Option(min=1, help="Seconds, for classes whose policy names no target.")
    ] = 20,
    baselines: Annotated[
        bool, typer.Option(help="Play by arrival, by rank alone and by score and age too.")
    ] = True,
    as_json: Annotated[bool, typer.Option("--json", help="Print all figures as JSON.")] = False,
    config: ConfigOption = DEFAULT_CONFIG,
) -> None:
    """Try policies on recorded or made-up days, before anybody waits by them.

    Every policy meets the same callers. Each class of the first policy has a line: how many were
    answered within the target, waits, who hung up; in brackets by how much the mean may be off
    (95 %). docs/policy-lab.md explains the method.
    """
    from ringdesk import lab as policy_lab
    from ringdesk import lab_report, offline

    settings = read_settings(config, secrets=False)
    asked = policy_lab.Asked(
        policies=policies or [],
        load=load,
        days=day or [],
        replications=replications,
        target=target,
        busier=busier,
        agents=agents,
        baselines=baselines,
    )
    try:
        found = asyncio.run(policy_lab.run(settings, asked, _doing))
    except offline.Failed as error:
        raise Refused(error) from None
    finally:
        _doing("", 0, 0)
    typer.echo(lab_report.as_json(found) if as_json else lab_report.as_text(found))


def _doing(what: str, done: int, of: int) -> None:
    """How far long work has come, on a terminal; nothing at all wipes the line."""
    if sys.stderr.isatty():
        said = f"{done} of {of} {what}" if of else ""
        typer.echo(f"\r\x1b[K{said}", nl=False, err=True)


@menus.command("check")
def check_menus(
    config: ConfigOption = DEFAULT_CONFIG,
    as_json: Annotated[bool, typer.Option("--json", help="Print the problems as JSON.")] = False,
) -> None:
    """Check the menu files: each problem with its file, line and key. Exit status 1 if any."""
    from ringdesk import offline

    problems, warnings = offline.check_menus(read_settings(config))
    if as_json:
        rows = [vars(problem) for problem in (*problems, *warnings)]
        typer.echo(json.dumps(rows, indent=2))
    else:
        for problem in problems:
            typer.echo(f"error: {problem}")
        for problem in warnings:
            typer.echo(f"warning: {problem}")
        errors = _counted(len(problems), "error")
        typer.echo(f"{errors}, {_counted(len(warnings), 'warning')}")
    raise typer.Exit(1 if problems else 0)


def main() -> None:
    """The entry point of the ``ringdesk`` command."""
    app()
