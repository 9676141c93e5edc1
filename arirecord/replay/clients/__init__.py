"""WebSocket clients of a replay: connections, their applications, subscriptions and routing of events."""
