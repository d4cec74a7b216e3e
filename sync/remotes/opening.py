"""What a remote may be told when it is opened from a URL."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Opening:
    """base_dir     absolute folder that a relative ``folder:`` URL starts from
    identity     path of the private key to use, instead of what ssh's configuration says
    known_hosts  path of the file of accepted host keys, likewise
    """

    base_dir: str
    identity: str | None = None
    known_hosts: str | None = None
