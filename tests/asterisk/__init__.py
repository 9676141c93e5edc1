"""A real Asterisk on loopback, real calls through it, and `arirecord capture` held against what it logged itself.

Once, as root, on Debian: `python3 -m tests.asterisk.install`. Then:
`ARIRECORD_TEST_ASTERISK=1 python -m pytest tests/asterisk -n 0`.
"""
