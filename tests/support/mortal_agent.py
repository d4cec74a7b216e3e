"""The command, and whatever it starts, as somebody whom permissions hold back: also where root runs the tests.

python -m tests.support.mortal_agent WORD...
"""

import ctypes
import os
import sys

from tests.support.trees import reads_everything

_PR_CAPBSET_DROP = 24
_DAC_OVERRIDE, _DAC_READ_SEARCH = 1, 2


def main() -> None:
    if sys.platform == "linux" and reads_everything():
        libc = ctypes.CDLL(None, use_errno=True)
        for power in (_DAC_OVERRIDE, _DAC_READ_SEARCH):
            libc.prctl(_PR_CAPBSET_DROP, power, 0, 0, 0)  # what it executes is not given it any more
    os.execv(sys.executable, [sys.executable, "-m", "agent", *sys.argv[1:]])


if __name__ == "__main__":
    main()
