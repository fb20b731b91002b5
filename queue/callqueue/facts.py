"""What a policy may know of a caller. Pure.

:class:`CallerFacts` are gathered once, when somebody joins a queue (and again when the CRM
answers); the policy is a function of them and of the time. :data:`FIELDS` is the one list of the
names which an expression may use, with what kind of value each one has.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

from cti.domain.events import CustomerIdentified, Match

Kind = Literal["text", "number", "flag"]
"""``text`` (lower case, ``""`` for nothing), ``number`` (an integer), ``flag`` (yes or no)."""

NEVER_BEFORE = -1
"""As ``last_call`` and ``last_abandoned``: there is none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CallerFacts:
    """A caller as known when they joined. Texts are kept stripped and in lower case.

    ``last_call`` and ``last_abandoned`` are how many whole seconds before the join this caller's
    last earlier call came in, and the last one that was given up in a queue
    (:data:`NEVER_BEFORE`: none). ``keys`` are the keys pressed in menus, such as ``1-3``;
    ``choice`` is the label of the last choice. ``owner`` is the personal manager and
    ``last_agent`` who talked with this customer last: interfaces, such as ``PJSIP/101``.
    """

    queue: str = ""
    did: str = ""
    choice: str = ""
    keys: str = ""
    match: Match = "late"
    status: str = ""
    tier: str = ""
    segment: str = ""
    company: str = ""
    language: str = ""
    manager: str = ""
    value: int = 0
    open_complaint: bool = False
    open_deal: bool = False
    calls_last_day: int = 0
    abandoned_last_hour: int = 0
    last_call: int = NEVER_BEFORE
    last_abandoned: int = NEVER_BEFORE
    owner: str = ""
    last_agent: str = ""

    def __post_init__(self) -> None:
        for name in _TEXTS:
            text = getattr(self, name)
            plain = text.strip().casefold()
            if plain != text:
                object.__setattr__(self, name, plain)

    @property
    def known(self) -> bool:
        """Whether the CRM has found a customer."""
        return self.match in {"one", "several"}

    @property
    def is_late(self) -> bool:
        """Whether the CRM has not answered yet."""
        return self.match == "late"


@dataclass(frozen=True, slots=True)
class FactField:
    """One name of the language: its kind, what it is, and whether the CRM must have answered."""

    kind: Kind
    description: str
    of_customer: bool = False


FIELDS: dict[str, FactField] = {
    "queue": FactField("text", "the queue"),
    "did": FactField("text", "the number that was dialled"),
    "choice": FactField("text", "the label of the last choice in a menu"),
    "keys": FactField("text", 'the keys pressed in menus, such as "1-3"'),
    "match": FactField("text", f"how they were found: {', '.join(get_args(Match)[:4])}", True),
    "known": FactField("flag", "whether the customer was found", True),
    "status": FactField("text", "the customer's status", True),
    "tier": FactField("text", "the customer's tier", True),
    "segment": FactField("text", "the customer's segment", True),
    "company": FactField("text", "the customer's company", True),
    "language": FactField("text", "the customer's language", True),
    "manager": FactField("text", "the name of the personal manager", True),
    "value": FactField("number", "what is at stake, in whole units of your currency", True),
    "open_complaint": FactField("flag", "whether a complaint is open", True),
    "open_deal": FactField("flag", "whether a deal is open", True),
    "calls_last_day": FactField("number", "earlier calls within 24 hours"),
    "abandoned_last_hour": FactField("number", "calls given up while waiting, within an hour"),
}

FUNCTIONS: dict[str, str] = {"called_within": "last_call", "abandoned_within": "last_abandoned"}
"""``called_within(30)``: whether the last call came in 30 minutes ago or less."""

_TEXTS = tuple(name for name, field in FIELDS.items() if field.kind == "text")


def of_customer(identified: CustomerIdentified | None, queue: str = "") -> CallerFacts:
    """The facts that the CRM's answer alone tells; None: it has not answered."""
    if identified is None or identified.customer is None:
        return CallerFacts(queue=queue, match=identified.match if identified else "late")
    customer = identified.customer
    return CallerFacts(
        queue=queue,
        match=identified.match,
        status=customer.status,
        tier=customer.tier,
        segment=customer.segment,
        company=customer.company,
        language=customer.language,
        manager=customer.owner_name,
        value=customer.value,
        open_complaint=customer.open_complaint,
        open_deal=customer.open_deal,
    )
