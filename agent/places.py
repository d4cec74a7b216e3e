"""Where this user's own files are, outside any project. The variables let a test, or a careful user, move them."""

import os
from pathlib import Path


def config_folder() -> Path:
    """Settings of this user on this machine. ``HYBRID_CONFIG_DIR`` wins. Not made here."""
    from platformdirs import user_config_path

    chosen = os.environ.get("HYBRID_CONFIG_DIR")
    return Path(chosen) if chosen else user_config_path("hybrid", appauthor=False)


def data_folder() -> Path:
    """Data of this user on this machine, such as a mailbox of their own. ``HYBRID_DATA_DIR`` wins. Not made here."""
    from platformdirs import user_data_path

    chosen = os.environ.get("HYBRID_DATA_DIR")
    return Path(chosen) if chosen else user_data_path("hybrid", appauthor=False)
