"""Make recordings: from a running Asterisk, or from a written event stream."""
