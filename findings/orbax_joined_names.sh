#!/usr/bin/env bash
# orbax-checkpoint 0.12.8 with jax 0.10.2, Python 3.11: PyTreeCheckpointer stores a leaf under its path joined by dots.
# A key "a.b" beside a path a -> b shares that name: one of the two arrays is lost, both are restored as the other.
#
# Guessed: a collision is an error when saving. Output seen:
#   saved    a/b [1.0], a.b [2.0]
#   restored a/b [1.0], a.b [1.0]
# What to do: refuse trees whose joined names collide. Fails when the behaviour changes.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q orbax-checkpoint==0.12.8 jax==0.10.2 jaxlib==0.10.2 numpy==2.4.6
cat > "$folder/try.py" <<'PYTHON'
import logging
import sys

import numpy as np
import orbax.checkpoint as ocp

logging.disable(logging.CRITICAL)
tree = {"a": {"b": np.array([1.0])}, "a.b": np.array([2.0])}
checkpointer = ocp.PyTreeCheckpointer()
checkpointer.save(sys.argv[1], tree)
restored = checkpointer.restore(sys.argv[1])
for word, found in (("saved   ", tree), ("restored", restored)):
    print(f"{word} a/b {found['a']['b'].tolist()}, a.b {found['a.b'].tolist()}")
PYTHON
seen=$("$folder/venv/bin/python" "$folder/try.py" "$folder/checkpoint" 2>/dev/null)
printf '%s\n' "$seen"
[ "$seen" = "saved    a/b [1.0], a.b [2.0]
restored a/b [1.0], a.b [1.0]" ]
