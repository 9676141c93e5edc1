"""Media of a replay: the WebSocket of chan_websocket, and audio for RTP and AudioSocket targets."""
