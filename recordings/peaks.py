"""A recording's outline for the player: the loudest sample of each twentieth of a second. Pure."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import numpy.typing as npt

PER_SECOND = 20


def window(rate: int) -> int:
    """How many frames one peak stands for, at ``rate`` frames a second."""
    return max(1, rate // PER_SECOND)


def peaks(samples: npt.NDArray[np.int16], rate: int) -> list[list[int]]:
    """Peaks of each channel, 0 (silence) to 255 (full scale), 20 a second.

    ``samples`` has the shape (frames, channels); a last incomplete window counts as one.
    """
    size = window(rate)
    starts = np.arange(0, len(samples), size)
    if not len(starts):
        return [[] for _ in range(samples.shape[1])]
    loudest = np.maximum.reduceat(np.abs(samples.astype(np.int32)), starts, axis=0)
    scaled: npt.NDArray[np.int32] = (loudest * 255 + 16_384) // 32_768
    return [[int(value) for value in channel] for channel in scaled.T]


def peaks_of_blocks(
    blocks: Iterable[npt.NDArray[np.int16]], rate: int, channels: int
) -> list[list[int]]:
    """The same for audio that comes in blocks of whole windows (the last may be shorter)."""
    found: list[list[int]] = [[] for _ in range(channels)]
    for block in blocks:
        for all_of_it, new in zip(found, peaks(block, rate), strict=True):
            all_of_it.extend(new)
    return found
