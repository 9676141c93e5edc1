"""HTTP and WebSocket on one port: the web application, batched sending, REST over the WebSocket, the control API."""
