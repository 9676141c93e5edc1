"""Dialplan applications that play a prompt to the caller and read keys."""

__all__ = ["PROMPTS", "SILENT_PROMPTS", "is_prompt"]

PROMPTS = (
    "agentlogin", "agi", "authenticate", "background", "backgrounddetect", "controlplayback", "deadagi", "dictate",
    "directory", "disa", "eagi", "externalivr", "festival", "playback", "privacymanager", "read", "readexten",
    "sayalpha", "sayalphacase", "saycountedadj", "saycountednoun", "saydigits", "saymoney", "saynumber", "sayordinal",
    "sayphonetic", "sayunixtime", "speechbackground", "vmauthenticate", "vmsayname", "voicemailmain", "waitdigit",
    "waitexten",
)  # fmt: skip
"""Names in lower case. Keys pressed while one of them runs answer it: a menu choice, a number, a PIN."""

SILENT_PROMPTS = ("waitdigit", "waitexten")
"""Those that wait for keys and play nothing: the keys answer the prompt before, often `Background`."""


def is_prompt(app: str) -> bool:
    """Return whether a dialplan application, in upper or lower case, is a prompt."""
    return app.lower() in PROMPTS
