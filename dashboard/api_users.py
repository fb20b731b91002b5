"""The API of the user list, for admins."""

from __future__ import annotations

from typing import Any

from dashboard.accounts import AccountError, User
from dashboard.errors import ApiError, not_found
from dashboard.routes import Ask, Routes
from dashboard.schemas import (
    NewUser,
    NewUserAnswer,
    UserAnswer,
    UserChange,
    UserPath,
    UserRow,
    UsersAnswer,
)

routes = Routes()


def _row(user: User) -> UserRow:
    return UserRow(
        username=user.username,
        name=user.name,
        role=user.role,
        agent=user.agent,
        queues=list(user.queues),
        active=user.active,
    )


@routes.get("/api/users")
async def list_users(ask: Ask) -> UsersAnswer:
    """Everybody who can log in."""
    return UsersAnswer(users=[_row(user) for user in await ask.dashboard.accounts.all()])


@routes.post("/api/users", status=201, errors=(409,))
async def add_user(ask: Ask, body: NewUser) -> NewUserAnswer:
    """Add a user; a password that is made here is in this answer and nowhere else."""
    values = body.model_dump()
    try:
        user, password = await ask.dashboard.accounts.add(**values)
    except AccountError as error:
        raise _refused(error) from None
    await ask.dashboard.hub.users_changed(user)
    await _audited(ask, "add_user", user.username, f"role {user.role}")
    return NewUserAnswer(user=_row(user), password=password)


@routes.patch("/api/users/{username}", errors=(404, 409))
async def change_user(ask: Ask, path: UserPath, body: UserChange) -> UserAnswer:
    """Change a user; a change of rights or password logs them out everywhere."""
    changes = body.model_dump(exclude_none=True)
    try:
        user = await ask.dashboard.accounts.change(path.username, changes)
    except AccountError as error:
        raise _refused(error) from None
    if user is None:
        raise not_found("user")
    await ask.dashboard.hub.users_changed(user)
    if changes.keys() - {"name"}:
        await ask.dashboard.hub.end_user(user.username)
    await _audited(ask, "change_user", user.username, ", ".join(sorted(changes)))
    return UserAnswer(user=_row(user))


def _refused(error: AccountError) -> ApiError:
    return ApiError(409, "refused", str(error), error.cure)


async def _audited(ask: Ask, action: Any, username: str, detail: str) -> None:
    await ask.dashboard.audit.note(ask.user.username, action, username, ask.address, detail)
