"""Why the command ends: one sentence for a person, never a traceback."""

from __future__ import annotations

import click


class RefusalError(click.ClickException):
    """What went wrong and what to do, in one sentence without a full stop."""

    def show(self, file: object = None) -> None:  # noqa: ARG002 (click's signature)
        """Writes the sentence to standard error."""
        click.echo(f"gatepost: {' '.join(self.message.split())}.", err=True)
