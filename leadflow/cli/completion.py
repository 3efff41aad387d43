"""The command that prints the completion script of a shell."""

from __future__ import annotations

import click
from click.shell_completion import get_completion_class

_SHELLS = ("bash", "zsh", "fish")


@click.command()
@click.argument("shell", type=click.Choice(_SHELLS))
@click.pass_context
def completion(context: click.Context, shell: str) -> int:
    """Print the completion script of a shell.

    With it, the shell completes commands, options and job ids.

    \b
    bash, in ~/.bashrc:  eval "$(leadflow completion bash)"
    zsh, in ~/.zshrc:    eval "$(leadflow completion zsh)"
    fish:                leadflow completion fish > ~/.config/fish/completions/leadflow.fish
    """
    kind = get_completion_class(shell)
    assert kind is not None
    click.echo(kind(context.find_root().command, {}, "leadflow", "_LEADFLOW_COMPLETE").source())
    return 0
