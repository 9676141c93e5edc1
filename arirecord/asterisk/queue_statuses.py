"""Values of app_queue's QUEUESTATUS (app_queue.c, `queue_results`)."""

__all__ = ["REFUSED_JOINS"]

REFUSED_JOINS = ("full", "joinempty", "joinunavail")
"""Values in lower case. The caller did not enter the queue: queue_log has no ENTERQUEUE."""
