"""The API of the policy lab: look at the policy, try another one out, publish it, take it back."""

from __future__ import annotations

from callqueue.lab.load import MOST_CALLERS, Load
from callqueue.policy import Policy
from callqueue.policy_archive import Version
from cti.config_files import ConfigFileError, Problem
from cti.history import History
from dashboard.audit import Action
from dashboard.errors import ApiError, not_found
from dashboard.lab_schemas import (
    CheckAnswer,
    LabAnswer,
    LoadRow,
    NewTrial,
    PolicyProblem,
    PolicyText,
    PolicyView,
    Publication,
    PublishedAnswer,
    Restoration,
    TrialAnswer,
    TrialPath,
    TrialResult,
    VersionPath,
    VersionRow,
    VersionText,
)
from dashboard.policy_desk import Changed, PolicyDesk, Wanted
from dashboard.rights import reach
from dashboard.routes import Ask, Routes
from dashboard.trials import Busy, Trial

routes = Routes()

LONGEST_RECORDED = 8 * 86_400 * 1_000_000
"""Microseconds: a recorded stretch that is longer is refused."""


@routes.get("/api/lab")
async def read_lab(ask: Ask) -> LabAnswer:
    """The policy in force with its text, the loads there are, the versions of the past."""
    desk = _desk(ask)
    try:
        text, versions = await desk.text(), await desk.versions()
    except OSError as error:
        raise _unreadable(error) from None
    try:
        loads, reason = await desk.loads(), ""
    except ConfigFileError as error:
        loads, reason = {}, str(error)
    newest = desk.trials.newest
    first, last = await History(ask.dashboard.deps.engine).first_and_last_queued()
    return LabAnswer(
        policy=PolicyView(title=desk.in_force.title, text=text, problems=_problems(desk.problems)),
        loads=[_load_row(load) for load in loads.values()],
        loads_reason=reason,
        versions=[_version(one) for one in versions],
        may_publish=_may_publish(ask),
        trial=_trial(newest) if newest else None,
        most_days=desk.most_days,
        first_call=first,
        last_call=last,
    )


@routes.post("/api/lab/check")
async def check_policy(ask: Ask, body: PolicyText) -> CheckAnswer:
    """Whether a text is a policy: its title, or each problem with its line."""
    try:
        policy = await _desk(ask).checked(body.text)
    except ConfigFileError as error:
        return CheckAnswer(title="", problems=_problems(error.problems))
    return CheckAnswer(title=policy.title, problems=[])


@routes.post("/api/lab/trials", status=202, errors=(409,))
async def begin_trial(ask: Ask, body: NewTrial) -> TrialAnswer:
    """Try a policy against the one in force, on a load or on recorded time, in the background."""
    desk = _desk(ask)
    policy = await _checked(desk, body.text)
    load = await _load(desk, body)
    if body.days > desk.most_days:
        raise _impossible(
            "days", f"at most {desk.most_days}", "raise lab.most_days in the settings"
        )
    wanted = Wanted(text=body.text, count=body.days, load=body.load, begin=body.begin, end=body.end)
    try:
        return _trial(desk.begin(ask.user.username, policy.title, wanted, load))
    except Busy as busy:
        raise ApiError(
            409, "busy", f"a trial of {busy.by} is running", "wait for it, or cancel it"
        ) from None


@routes.get("/api/lab/trials/{trial_id}", errors=(404,))
async def read_trial(ask: Ask, path: TrialPath) -> TrialAnswer:
    """How far a trial is, and what came of it."""
    return _trial(_known(ask, path.trial_id))


@routes.delete("/api/lab/trials/{trial_id}", errors=(404,))
async def cancel_trial(ask: Ask, path: TrialPath) -> TrialAnswer:
    """End a trial that still runs."""
    trial = _known(ask, path.trial_id)
    await _desk(ask).trials.cancel(trial)
    return _trial(trial)


@routes.post("/api/lab/policy", errors=(409,))
async def publish_policy(ask: Ask, body: Publication) -> PublishedAnswer:
    """Bring a policy into force, under one's name; the one before is kept."""
    return await _publish(ask, body.text, body.instead_of, 0)


@routes.get("/api/lab/versions/{at}", errors=(404,))
async def read_version(ask: Ask, path: VersionPath) -> VersionText:
    """The text of a policy that was in force."""
    text = await _desk(ask).kept(path.at)
    if text is None:
        raise not_found("version of the policy")
    return VersionText(text=text)


@routes.post("/api/lab/versions/{at}", errors=(404, 409))
async def restore_policy(ask: Ask, path: VersionPath, body: Restoration) -> PublishedAnswer:
    """Bring a policy of the past into force again."""
    text = await _desk(ask).kept(path.at)
    if text is None:
        raise not_found("version of the policy")
    return await _publish(ask, text, body.instead_of, path.at)


async def _publish(ask: Ask, text: str, instead_of: str, restored: int) -> PublishedAnswer:
    desk = _desk(ask)
    await _checked(desk, text)
    try:
        version = await desk.publish(text, instead_of, ask.user.username, restored)
    except Changed as changed:
        raise ApiError(
            409, "changed", f"the policy {changed} is in force by now", "load the page again"
        ) from None
    except OSError as error:
        raise ApiError(
            503,
            "not_written",
            f"the policy file cannot be written: {error.strerror or type(error).__name__}",
            "the one in force stays; check the rights of its folder and of data_folder",
        ) from None
    action: Action = "restore_policy" if restored else "publish_policy"
    detail = f"instead of {instead_of}"
    await ask.dashboard.audit.note(ask.user.username, action, version.title, ask.address, detail)
    return PublishedAnswer(version=_version(version))


def _desk(ask: Ask) -> PolicyDesk:
    desk = ask.dashboard.deps.policy_desk
    if desk is None:
        raise ApiError(503, "no_lab", "this server has no policy", "ask the administrator")
    return desk


async def _checked(desk: PolicyDesk, text: str) -> Policy:
    try:
        return await desk.checked(text)
    except ConfigFileError as error:
        first = error.problems[0]
        where = f"line {first.line}: " if first.line else ""
        more = f" (and {len(error.problems) - 1} more)" if len(error.problems) > 1 else ""
        raise ApiError(
            409, "not_a_policy", f"{where}{first.key or 'the text'}: {first.reason}{more}",
            first.cure or "docs/priority.md says how a policy is written",
        ) from None  # fmt: skip


async def _load(desk: PolicyDesk, body: NewTrial) -> Load | None:
    if not body.load:
        if not 0 < body.end - body.begin <= LONGEST_RECORDED:
            raise _impossible("begin, end", "give a load, or a time of at most 8 days", "")
        return None
    try:
        loads = await desk.loads()
    except ConfigFileError as error:
        raise ApiError(503, "loads_broken", str(error.problems[0]), "mend the file") from None
    if body.load not in loads:
        raise _impossible("load", f'there is no load "{body.load}"', "GET /api/lab lists them")
    changed = loads[body.load].changed(busier=body.busier, agents=body.agents)
    if changed.expected > MOST_CALLERS:
        raise _impossible("busier", f"that is more than {MOST_CALLERS} callers a day", "take less")
    return changed


def _impossible(what: str, reason: str, cure: str) -> ApiError:
    return ApiError(409, "impossible", f"{what}: {reason}", cure or "see /api/openapi.json")


def _known(ask: Ask, trial_id: str) -> Trial:
    trial = _desk(ask).trials.get(trial_id)
    if trial is None:
        raise not_found("trial")
    return trial


def _may_publish(ask: Ask) -> bool:
    return reach("publish_policy", ask.user.role, ask.dashboard.settings) != "none"


def _unreadable(error: OSError) -> ApiError:
    reason = error.strerror or type(error).__name__
    return ApiError(
        503, "policy_unreadable", f"the policy file cannot be read: {reason}", "check its rights"
    )


def _problems(problems: object) -> list[PolicyProblem]:
    assert isinstance(problems, (list, tuple))  # noqa: S101
    return [_problem(one) for one in problems]


def _problem(one: Problem) -> PolicyProblem:
    return PolicyProblem(line=one.line, key=one.key, reason=one.reason, cure=one.cure)


def _version(one: Version) -> VersionRow:
    return VersionRow(at=one.at, title=one.title, author=one.author, restored=one.restored)


def _load_row(load: Load) -> LoadRow:
    return LoadRow(
        name=load.name,
        about=load.about,
        callers=round(load.expected),
        agents=sum(team.agents for team in load.teams),
        hours=load.hours,
        occupancy=round(100 * load.occupancy),
    )


def _trial(trial: Trial) -> TrialAnswer:
    return TrialAnswer(
        id=trial.id,
        by=trial.by,
        at=trial.at,
        on=trial.on,
        title=trial.title,
        against=trial.against,
        state=trial.state,
        done=trial.done,
        of=trial.of,
        reason=trial.reason,
        result=TrialResult.model_validate(trial.result) if trial.result else None,
    )
