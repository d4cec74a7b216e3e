"""``hybrid completion``: the script that lets a shell complete our commands and options."""

import click

from sync.errors import UsageError

from .options import Call, common_options
from .shells import get_completion_class


@click.command()
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
@common_options
def completion(call: Call, shell: str) -> None:
    """Print the script that completes commands in your shell.

    \b
    Examples:
      hybrid completion bash >> ~/.bashrc
      hybrid completion zsh >> ~/.zshrc
      hybrid completion fish > ~/.config/fish/completions/hybrid.fish
    """
    from . import hybrid

    maker = get_completion_class(shell)
    if maker is None:
        raise UsageError(f"There is no completion for {shell}.", "Choose bash, zsh or fish.")
    script = maker(hybrid, {}, "hybrid", "_HYBRID_COMPLETE").source()
    call.console.result({"shell": shell, "script": script}, script)
