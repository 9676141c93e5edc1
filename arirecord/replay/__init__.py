"""Replay a session as Asterisk would send it. `arirecord.replay` is the function `arirecord.replay.api.replay`."""
