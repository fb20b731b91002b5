from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from recordings.peaks import peaks, peaks_of_blocks, window

RATE = 8000

audio = st.integers(0, 3000).flatmap(
    lambda frames: arrays(np.int16, (frames, 2), elements=st.integers(-32_768, 32_767))
)


@given(audio)
def test_each_peak_is_the_loudest_sample_of_its_window(samples: np.ndarray) -> None:
    for channel, found in enumerate(peaks(samples, RATE)):
        windows = [samples[at : at + 400, channel] for at in range(0, len(samples), 400)]
        loudest = [max(abs(int(sample)) for sample in piece) for piece in windows]
        assert found == [round(value * 255 / 32_768 + 1e-9) for value in loudest]


@given(audio, st.integers(1, 4))
def test_blocks_of_whole_windows_give_the_same(samples: np.ndarray, windows: int) -> None:
    size = window(RATE) * windows
    blocks = [samples[at : at + size] for at in range(0, len(samples), size)]
    assert peaks_of_blocks(blocks, RATE, 2) == peaks(samples, RATE)


def test_a_second_has_twenty_peaks_from_silence_to_full_scale() -> None:
    samples = np.zeros((RATE, 2), dtype=np.int16)
    samples[:, 1] = -32_768
    assert peaks(samples, RATE) == [[0] * 20, [255] * 20]
