"""What a recording is: its rows, the journal it grows in, the session it is sealed into. `docs/format.md` is the law
here.
"""
