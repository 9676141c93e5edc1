"""arirecord: record, replay and measure telephone calls made with Asterisk.

The public names; everything else may change.
"""

__version__ = "0.1.0"
