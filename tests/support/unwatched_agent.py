"""The command, and whatever it starts, where the kernel gives nobody a watch: in a user namespace with none to give.

python -m tests.support.unwatched_agent WORD...
"""

import os
import sys

LIMIT = "/proc/sys/user/max_inotify_instances"


def main() -> None:
    shell = f'echo 0 > {LIMIT} && exec "$0" -m agent "$@"'
    words = ["--user", "--map-root-user", "sh", "-c", shell, sys.executable, *sys.argv[1:]]
    os.execvp("unshare", ["unshare", *words])


if __name__ == "__main__":
    main()
