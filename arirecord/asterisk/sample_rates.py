"""Sample rates of audio formats (codec_builtin.c)."""

from collections.abc import Mapping

__all__ = ["SAMPLE_RATES"]

_FORMATS = {
    8000: "adpcm alaw amr g723 g726 g726aal2 g729 gsm ilbc lpc10 silk8 slin speex ulaw",
    12000: "silk12 slin12",
    16000: "amrwb g722 silk16 siren7 slin16 speex16",
    24000: "silk24 slin24",
    32000: "siren14 slin32 speex32",
    44100: "slin44",
    48000: "opus slin48",
    96000: "slin96",
    192000: "slin192",
}

SAMPLE_RATES: Mapping[str, int] = {name: rate for rate, names in _FORMATS.items() for name in names.split()}
"""Samples a second by the name of the format."""
