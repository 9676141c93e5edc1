"""A real Asterisk on loopback, real calls through it, and `arirecord capture` held against what it logged itself.

Once, as root, on Debian: `python3 -m tests.real_asterisk.install`. Then:
`ARIRECORD_TEST_ASTERISK=1 python -m pytest tests/real_asterisk -n 0`.
"""
