#!/usr/bin/env bash
# jax 0.10.2 beside NumPy 2.4, Python 3.11: the distance of 8-bit pixels to the ends of their range, written as
# where(up, 255, 0) - pixels, is right in NumPy and wraps around in JAX. jnp.where of two Python integers is weakly
# typed, so the difference has the type of the pixels, uint8; NumPy's where gives int64. Nothing is said.
#
# Guessed: both give -200. Output seen:
#   numpy int64 -200
#   jax int32 weak; difference uint8 56
# What to do: convert the pixels before any arithmetic. Fails when the behaviour changes.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q jax==0.10.2 jaxlib==0.10.2 'numpy==2.4.*'
cat > "$folder/try.py" <<'PYTHON'
import jax.numpy as jnp
import numpy as np

pixels, up = np.array([200], np.uint8), np.array([False])
found = np.where(up, 255, 0) - pixels
print("numpy", found.dtype, found[0])
ends = jnp.where(up, 255, 0)
found = ends - jnp.asarray(pixels)
print("jax", ends.dtype, "weak;" if ends.weak_type else "strong;", "difference", found.dtype, found[0])
PYTHON
seen=$("$folder/venv/bin/python" "$folder/try.py" 2> /dev/null)
printf '%s\n' "$seen"
[ "$seen" = "numpy int64 -200
jax int32 weak; difference uint8 56" ]
