"""REST in a replay: the recorded response to a request, or a synthetic one."""
