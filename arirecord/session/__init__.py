"""Recordings: rows, the journal of a running recording, and the sealed session. `docs/format.md` defines the format."""
