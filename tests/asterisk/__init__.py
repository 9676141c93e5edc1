"""A real Asterisk on loopback, real calls through it, and `arirecord capture` held against what Asterisk itself logged.

`python3 -m tests.asterisk.install` installs it once (root, Debian); `ARIRECORD_TEST_ASTERISK=1 pytest tests/asterisk -n 0`
runs the calls.
"""
