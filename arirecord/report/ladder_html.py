"""Story of a call as one self-contained page: the ladder as a drawing, and the story as tables."""

from collections.abc import Iterator, Sequence
from html import escape

from arirecord.printable import printable

from .fold_lanes import fold
from .ladder_layout import ending, offset_s, offset_text, spent, ties
from .ladder_svg import ladder_svg
from .story import CallFinding, Story, sentence
from .style import ladder_style, page_style

__all__ = ["ladder_html", "story_section"]

MAX_LANES = 24


def ladder_html(*stories: Story, max_lanes: int = MAX_LANES) -> str:
    """Return a page with one or more stories; a list on top if there are several."""
    title = stories[0].title if len(stories) == 1 else f"{len(stories)} calls"
    parts = [
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n',
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n',
        '<meta name="color-scheme" content="light dark">\n',
        f"<title>{_text(title)} – arirecord</title>\n<style>{page_style()}{ladder_style()}</style>\n",
        "</head>\n<body>\n<main>\n",
    ]
    if len(stories) > 1:
        items = "".join(
            f'<li><a href="#call-{place}">{_text(s.title)}</a> {_text(s.result)}</li>'
            for place, s in enumerate(stories)
        )
        parts.append(f'<nav aria-label="Calls"><h1>{_text(title)}</h1><ol>{items}</ol></nav>\n')
    parts += [story_section(story, f"call-{place}", max_lanes=max_lanes) for place, story in enumerate(stories)]
    parts.append("</main>\n</body>\n</html>\n")
    return "".join(parts)


def story_section(story: Story, anchor: str, *, max_lanes: int = MAX_LANES) -> str:
    """Return one story as a `<section id=anchor>`, for a page with both style sheets of `style`."""
    folded = fold(story, max_lanes)
    anchor = escape(anchor, quote=True)
    incomplete = "" if story.is_complete else ' <span class="badge">not recorded completely</span>'
    facts = "".join(f"<dt>{_text(name)}</dt><dd>{_text(value)}</dd>" for name, value in story.facts.items())
    badge = f'<span class="badge">{_text(story.result)}</span>{incomplete}'
    return (
        f'<section id="{anchor}" class="call" aria-labelledby="{anchor}-title">\n'
        f'<h2 id="{anchor}-title">{_text(story.title)} {badge}</h2>\n'
        + (f'<p class="summary">{_text(story.summary)}</p>\n' if story.summary else "")
        + f"<dl><dt>call</dt><dd><code>{_text(story.call_id)}</code></dd>{facts}</dl>\n"
        + "".join(_findings(folded, story.findings))
        + f'<div class="scroll" tabindex="0" role="region" aria-label="Ladder of the call">\n'
        f"{ladder_svg(story, max_lanes=max_lanes, is_standalone=False)}</div>\n"
        + "".join(_parties(folded))
        + "".join(_turns(folded))
        + "".join(_moments(folded))
        + "".join(_evidence(folded))
        + "</section>\n"
    )


def _findings(story: Story, findings: Sequence[CallFinding]) -> Iterator[str]:
    if not findings:
        yield '<p class="fine">Nothing looks wrong.</p>\n'
        return
    yield '<h3>What looks wrong</h3>\n<ul class="findings">\n'
    for finding in story.findings:
        lane = story.lane_of(finding.channel_id)
        at = offset_text(offset_s(story, finding.at))
        where = f"<b>{_text(lane.letter)}</b> " if lane else ""
        yield (
            f'<li class="{finding.severity}"><span class="severity">{finding.severity}</span> '
            f"{where}{_text(finding.text)}"
            f' <span class="soft">{_text(finding.rule)}{f" at {at}" if at else ""}</span>'
            f"{f'<br>Fix: {_text(finding.fix)}' if finding.fix else ''}</li>\n"
        )
    yield "</ul>\n"


def _parties(story: Story) -> Iterator[str]:
    yield from _table(
        "Parties",
        ("", "number", "channel", "role", "time in each state", "end"),
        ((p.letter, p.number or "", p.name, p.role or "", spent(story, p), ending(p)) for p in story.lanes),
    )


def _turns(story: Story) -> Iterator[str]:
    if not story.turns:
        return
    length_s = {turn: (turn.ended_at - turn.started_at).total_seconds() for turn in story.turns if turn.ended_at}
    yield from _table(
        "Turns",
        ("s", "speaker", "length, s", "measured"),
        (
            (
                offset_text(offset_s(story, turn.started_at)), turn.speaker,
                f"{length_s[turn]:.3f}" if turn in length_s else "", turn.text,
            )
            for turn in story.turns
        ),
    )  # fmt: skip


def _moments(story: Story) -> Iterator[str]:
    yield from _table(
        "Everything in order",
        ("s", "what happened", "row"),
        (
            (offset_text(offset_s(story, moment.at)), sentence(story, moment), str(moment.seq))
            for moment in story.moments
        ),
        marked=[place for place, moment in enumerate(story.moments) if moment.seq == story.marked_seq],
    )


def _evidence(story: Story) -> Iterator[str]:
    if not story.evidence:
        return
    yield from _table(
        "Why these are one call",
        ("channels", "reason", "s", "event, row"),
        (
            (
                names, link.text, offset_text(offset_s(story, link.at)),
                " ".join(str(v) for v in (link.event_type, link.seq) if v is not None),
            )
            for names, link in ties(story)
        ),
        is_closed=True,
    )  # fmt: skip


def _table(
    title: str,
    heads: Sequence[str],
    rows: Iterator[Sequence[str]],
    *,
    is_closed: bool = False,
    marked: Sequence[int] = (),
) -> Iterator[str]:
    yield f"<details{'' if is_closed else ' open'}><summary>{title}</summary>\n"
    yield f'<div class="scroll" tabindex="0" role="region" aria-label="{title}"><table><thead><tr>'
    yield "".join(f'<th scope="col">{head or "lane"}</th>' for head in heads) + "</tr></thead><tbody>\n"
    for place, (first, *rest) in enumerate(rows):
        yield (
            f"<tr{' class=marked' if place in marked else ''}>"
            f'<th scope="row">{_text(first)}</th>' + "".join(f"<td>{_text(cell)}</td>" for cell in rest) + "</tr>\n"
        )
    yield "</tbody></table></div></details>\n"


def _text(text: str) -> str:
    return escape(printable(text))
