"""How long callers are patient, from days on which most of them were answered first. Pure.

Of a caller who hung up we know the patience; of one who was answered after 40 s only that it was
longer than that (a censored observation). Taking the mean of those who hung up would make people
look far more impatient than they are. The estimator is that of E. L. Kaplan and P. Meier (1958).
"""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right
from collections.abc import Iterable
from dataclasses import dataclass

from callqueue.lab.scene import NEVER
from cti.domain.events import Micros


@dataclass(frozen=True)
class PatienceCurve:
    """``left[i]``: which part of the callers is more patient than ``times[i]`` microseconds.

    Beyond what was seen people hang up at the ``rate`` (a microsecond) they did on the whole.
    """

    times: tuple[Micros, ...]
    left: tuple[float, ...]
    rate: float
    hung_up: int
    observed: int

    def survival(self, at: Micros) -> float:
        """Which part of the callers is more patient than ``at``, as far as it was seen."""
        index = bisect_right(self.times, at) - 1
        return self.left[index] if index >= 0 else 1.0

    def draw(self, chance: float, beyond: Micros = 0) -> Micros:
        """A patience above ``beyond``; ``chance`` is a random number from 0 to 1.

        :data:`callqueue.lab.scene.NEVER` when nobody was ever seen to hang up.
        """
        if not self.hung_up:
            return NEVER
        now = self.survival(beyond)
        wanted = now * max(chance, 1e-12)
        if self.left and self.left[-1] <= wanted and now > 0 and self.times[-1] > beyond:
            index = bisect_left(self.left, -wanted, key=lambda left: -left)
            return max(self.times[index], beyond + 1)
        begin = max(beyond, self.times[-1])
        part = wanted / self.left[-1] if self.left[-1] > 0 and now > 0 else max(chance, 1e-12)
        return begin + 1 + round(-math.log(min(part, 1.0)) / self.rate)

    def quantile(self, part: float) -> Micros:
        """Within which time this part of the callers has hung up, by the curve and its tail."""
        return self.draw(1 - part)


def estimated(observations: Iterable[tuple[Micros, bool]]) -> PatienceCurve:
    """The curve of waits, each with whether it ended by hanging up (else: answered first).

    Who is answered at the same instant at which another hangs up was still there then.
    """
    waits = sorted((wait, not hung_up) for wait, hung_up in observations)
    exposure = sum(wait for wait, _ in waits)
    gave_up = sum(not answered for _, answered in waits)
    times: list[Micros] = []
    left: list[float] = []
    surviving, at_risk = 1.0, len(waits)
    for index, (wait, answered) in enumerate(waits):
        if not answered:
            surviving *= 1 - 1 / (at_risk - index)
            if times and times[-1] == wait:
                left[-1] = surviving
            else:
                times.append(wait)
                left.append(surviving)
    rate = gave_up / max(exposure, 1)
    return PatienceCurve(tuple(times), tuple(left), rate, gave_up, len(waits))
