"""Files that decide what goes: a change of one is no change of one path."""

from sync.local.rules import GIT_RULES, OUR_RULES

RULE_FILES = (GIT_RULES, OUR_RULES)
RULES_CHANGED = "the ignore rules changed"
SETTINGS_CHANGED = "hybrid.toml changed"
_SETTINGS = b"hybrid.toml"


def doubt_about(name: bytes, at_root: bool) -> str:
    """Why everything is to be looked at when the file ``name`` changed, as a clause; empty for any other file."""
    if name in RULE_FILES:
        return RULES_CHANGED
    return SETTINGS_CHANGED if at_root and name == _SETTINGS else ""
