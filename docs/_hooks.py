"""What the site shows is made while it is built: the command line, from what `--help` says."""

import click
from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import Files
from mkdocs.structure.pages import Page

from arirecord.cli import GROUPS, cli

WIDTH = 110


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Fill the page of the command line."""
    return markdown + _commands() if page.file.src_uri == "cli.md" else markdown


def _commands() -> str:
    parts = []
    with click.Context(
        cli, info_name="arirecord", terminal_width=WIDTH, max_content_width=WIDTH, help_option_names=["-h", "--help"]
    ) as whole:
        whole.params["no_config"] = True
        for group, verbs in GROUPS.items():
            parts.append(f"\n## {group}\n")
            for verb in verbs:
                command = cli.get_command(whole, verb)
                assert command is not None
                with click.Context(command, parent=whole, info_name=verb, terminal_width=WIDTH) as context:
                    parts.append(f"\n### arirecord {verb}\n\n```text\n{command.get_help(context)}\n```\n")
    return "".join(parts)
