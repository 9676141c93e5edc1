"""When frames are due, and which come: clock, player, what is read ahead, places in a recording."""
