"""Timing of frames: clock, due frames, prefetch, positions, faults and the selection of frames."""
