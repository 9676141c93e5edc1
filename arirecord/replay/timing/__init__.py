"""Timing of frames: clock, player, prefetch, positions, faults and the selection of frames."""
