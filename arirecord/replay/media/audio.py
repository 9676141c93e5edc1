"""Audio that a replay sends: silence or a WAV file, in the codecs whose frames have a fixed size."""

import wave
from array import array
from collections.abc import Iterator
from functools import cache
from itertools import cycle, islice
from pathlib import Path
from sys import byteorder
from typing import Final, NamedTuple

from arirecord.errors import ReplayError

__all__ = ["PTIME_S", "Audio", "Codec", "codec_of"]

PTIME_S: Final = 0.02


class Codec(NamedTuple):
    """A codec by its name in Asterisk: the rate in Hz, and bytes of 20 ms. 0 bytes: frames have no fixed size.

    `rtp_type` is the payload type that Asterisk uses; None if it has no fixed one.
    """

    name: str
    rate: int = 8000
    frame_bytes: int = 0
    rtp_type: int | None = None


_SLIN: Final = {"slin": 8, "slin12": 12, "slin16": 16, "slin24": 24, "slin32": 32, "slin48": 48, "slin96": 96}
_CODECS: Final = {
    **{name: Codec(name, khz * 1000, khz * 40) for name, khz in _SLIN.items()},
    "slin16": Codec("slin16", 16000, 640, 118),
    "ulaw": Codec("ulaw", 8000, 160, 0),
    "alaw": Codec("alaw", 8000, 160, 8),
}


def codec_of(name: str) -> Codec:
    """The codec with this name; of an unknown one, frames have no fixed size."""
    return _CODECS.get(name, Codec(name))


class Audio:
    """Silence, or the samples of a WAV file (16 bits), again and again. Raises `ReplayError` for any other file."""

    def __init__(self, path: Path | None = None) -> None:
        self._samples = array("h", [0])
        self._rate = 8000
        if path is not None:
            self._read(path)

    def _read(self, path: Path) -> None:
        try:
            with wave.open(str(path), "rb") as file:
                width, channels, self._rate = file.getsampwidth(), file.getnchannels(), file.getframerate()
                data = file.readframes(file.getnframes())
        except (OSError, EOFError, wave.Error) as error:
            raise ReplayError(f"{path} can't be read as a WAV file: {error}") from error
        if width != 2 or not data:
            raise ReplayError(f"{path} has {8 * width} bits a sample, or none: --media takes WAV files of 16 bits")
        samples = array("h", data[: len(data) // (2 * channels) * 2 * channels])
        if byteorder == "big":
            samples.byteswap()
        self._samples = samples[::channels]

    def frames(self, codec: Codec) -> Iterator[bytes]:
        """Frames of 20 ms without end; none for a codec whose frames have no fixed size."""
        if not codec.frame_bytes:
            return
        step = self._rate / codec.rate
        length = max(1, int(len(self._samples) / step))
        resampled = array("h", (self._samples[min(int(n * step), len(self._samples) - 1)] for n in range(length)))
        samples = cycle(resampled)
        count = codec.rate // 50
        while True:
            yield _encode(codec, array("h", islice(samples, count)))


def _encode(codec: Codec, samples: "array[int]") -> bytes:
    if codec.name in ("ulaw", "alaw"):
        table = _table(codec.name)
        return bytes(table[sample + 32768] for sample in samples)
    if byteorder == "big":
        samples.byteswap()
    return samples.tobytes()


@cache
def _table(name: str) -> bytes:
    """ITU-T G.711: the code of each 16-bit sample, from the lowest."""
    encode = _ulaw if name == "ulaw" else _alaw
    return bytes(encode(sample) for sample in range(-32768, 32768))


def _ulaw(sample: int) -> int:
    sample = sample >> 2 << 2  # G.711 encodes 14 bits
    sign, magnitude = (0x80, min(-sample, 32635)) if sample < 0 else (0, min(sample, 32635))
    magnitude += 132
    exponent = magnitude.bit_length() - 8
    return ~(sign | exponent << 4 | magnitude >> exponent + 3 & 0x0F) & 0xFF


def _alaw(sample: int) -> int:
    sign, magnitude = (0x80, sample) if sample >= 0 else (0, -sample - 1)
    magnitude >>= 3
    if magnitude < 32:
        return (sign | magnitude >> 1) ^ 0x55
    exponent = magnitude.bit_length() - 5
    return (sign | exponent << 4 | magnitude >> exponent & 0x0F) ^ 0x55
