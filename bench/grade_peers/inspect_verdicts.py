"""Prints what a log of inspect_ai holds, as a JSON object: whether each sample was found right, null where none was said."""

import json
import sys

from inspect_ai.log import read_eval_log

found = {}
for sample in read_eval_log(sys.argv[1]).samples or []:
    score = next(iter((sample.scores or {}).values()), None)
    found[sample.id] = {"C": True, "I": False}.get(score.value) if score is not None else None
print(json.dumps(found))
