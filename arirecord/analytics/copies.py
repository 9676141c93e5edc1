"""Copies of events: the same event that two applications or two connections received. The first one counts."""

from .statement_runner import StatementRunner
from .views import SessionViews

__all__ = ["remove_copies"]


def remove_copies(runner: StatementRunner, views: SessionViews, schema: str) -> None:
    """Let the views that models read leave out copies, if there are any; `schema` gets a table of them.

    A recording without copies pays only the search.
    """
    sql = views.copies()
    if not sql:
        return
    ((has_copies,),) = runner.rows(f"SELECT EXISTS ({sql})")
    if has_copies:
        runner.run(f"CREATE TABLE {schema}.copied_events AS {sql}")
        views.left_out = f"FROM {schema}.copied_events"
