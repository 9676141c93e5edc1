"""Getting a recording: from a running Asterisk, or from a stream that somebody already wrote down."""
