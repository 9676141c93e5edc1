"""What the models say of their tables besides the columns, as Markdown: for `arirecord metrics` and docs/metrics.md."""

from .models import Model, describe

__all__ = ["words"]


def words(mart: Model) -> list[str]:
    """Describe a mart in lines of Markdown: its row, its key, what it needs, notes and sources."""
    said = describe(mart.name)
    lines = [f"One row is {mart.row}. Identified by {', '.join(f'`{name}`' for name in said.key)}.", ""]
    lines += [f"Shown on a terminal: {', '.join(f'`{name}`' for name in said.shown)}.", ""]
    if said.needs:
        lines += [f"Needs: {said.needs}", ""]
    if said.notes:
        lines += [*(f"* {note}" for note in said.notes), ""]
    if said.source:
        lines += [f"Source: {said.source}", ""]
    return lines
