"""The scenarios of tools/record_captures.py: what is done, and what is therefore true.

A scenario drives phones and returns its calls in the order of their arrival.
"""

from scenarios import (  # noqa: F401 - each puts its scenarios into the list
    agents,
    handed_on,
    local_channels,
    menus,
    moved,
    parking,
    phones,
    programs,
    queueing,
    strategies,
    transfers,
)
from scenarios.base import SCENARIOS, Scenario

__all__ = ["SCENARIOS", "Scenario"]
