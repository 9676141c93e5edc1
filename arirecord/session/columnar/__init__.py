"""Frames as columns.

`table.py` turns rows into an Arrow table. The fast path (`fast_path.py`) splits each frame into its time, its snapshots
and the rest (`residuals.py`), and parses each distinct text once with a strict schema (`arrow_json.py`). Frames that
the schema refuses take the exact path, one by one (`arirecord/asterisk/flatten_events.py`). Both give the same columns.
"""
