"""How shells are told what fits: as click does it, but for bash, which takes ``qwen3:4b`` and ``ssh:box`` for three words each.

Bash puts what is chosen behind the last colon of what was typed, so up to there it is left out. Import ``shell_complete`` and
``get_completion_class`` from here, so that click knows of it.
"""

import os

from click.shell_completion import (
    BashComplete,
    CompletionItem,
    add_completion_class,
    get_completion_class,
    shell_complete,
    split_arg_string,
)

__all__ = ["get_completion_class", "shell_complete"]

_SCRIPT = """\
%(complete_func)s() {
    local type value
    COMPREPLY=()
    while IFS=',' read -r type value; do
        case $type in
            dir) compopt -o dirnames ;;
            file) compopt -o default ;;
            plain) COMPREPLY+=("$value") ;;
        esac
    done < <(env COMP_LINE="${COMP_LINE:0:COMP_POINT}" _HYBRID_BREAKS="$COMP_WORDBREAKS" \\
        %(complete_var)s=bash_complete "$1")
}

complete -o nosort -F %(complete_func)s %(prog_name)s
"""


@add_completion_class
class _Bash(BashComplete):
    source_template = _SCRIPT

    _before_colon = ""

    def get_completion_args(self) -> tuple[list[str], str]:
        line = os.environ["COMP_LINE"]
        words = split_arg_string(line)
        incomplete = "" if line[-1:].isspace() or not words else words.pop()
        if ":" in os.environ["_HYBRID_BREAKS"]:
            self._before_colon = "".join(incomplete.rpartition("=")[2].rpartition(":")[:2])
        return words[1:], incomplete

    def format_completion(self, item: CompletionItem[str]) -> str:
        return f"{item.type},{item.value.removeprefix(self._before_colon)}"
