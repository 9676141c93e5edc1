"""HTTP and WebSocket on one port: the web application, many frames in one write, REST over the WebSocket."""
