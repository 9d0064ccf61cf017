#!/usr/bin/env bash
# safetensors 0.8.0 with numpy 2.4.6, Python 3.11: save_file of safetensors.numpy writes the memory of an array that is
# not contiguous, under the shape of the array. A transposed or strided array comes back with other numbers, no error.
#
# Guessed: the array comes back as it was, or is refused. Output seen:
#   turned [[0.0, 1.0], [2.0, 3.0], [4.0, 5.0]] as saved: False
#   every_other [[0.0, 1.0], [2.0, 3.0]] as saved: False
# What to do: np.ascontiguousarray before saving. Fails when the behaviour changes.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q safetensors==0.8.0 numpy==2.4.6
cat > "$folder/try.py" <<'PYTHON'
import sys

import numpy as np
from safetensors.numpy import load_file, save_file

x = np.arange(6, dtype=np.float32).reshape(2, 3)
saved = {"turned": x.T, "every_other": x[:, ::2]}
save_file(saved, sys.argv[1])
loaded = load_file(sys.argv[1])
for name, array in saved.items():
    print(name, loaded[name].tolist(), "as saved:", np.array_equal(loaded[name], array))
PYTHON
seen=$("$folder/venv/bin/python" "$folder/try.py" "$folder/arrays.safetensors")
printf '%s\n' "$seen"
[ "$seen" = "turned [[0.0, 1.0], [2.0, 3.0], [4.0, 5.0]] as saved: False
every_other [[0.0, 1.0], [2.0, 3.0]] as saved: False" ]
