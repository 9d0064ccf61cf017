#!/usr/bin/env bash
# Keras 3.15.1 with jax 0.10.2, Python 3.11: a functional model that uses keras.ops is written to a .h5 file without an
# error or a word about it, and that file cannot be loaded again: the loader knows no operation as a layer. The same
# model as .keras comes back.
#
# Guessed: .h5 loads as .keras does, or saving refuses the model. Output seen:
#   model.keras True
#   model.h5 ValueError Unknown layer: 'Relu'.
# What to do: save such a model as .keras, or write operations as layers. Fails when the behaviour changes.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q keras==3.15.1 jax==0.10.2 jaxlib==0.10.2
cat > "$folder/try.py" <<'PYTHON'
import os
import sys

os.environ["KERAS_BACKEND"] = "jax"
import keras
import numpy as np

read = keras.Input((3,))
model = keras.Model(read, keras.layers.Dense(2)(keras.ops.relu(read)))
example = np.ones((1, 3), np.float32)
for name in ("model.keras", "model.h5"):
    path = os.path.join(sys.argv[1], name)
    model.save(path)
    try:
        print(name, np.array_equal(keras.saving.load_model(path)(example), model(example)))
    except ValueError as error:
        print(name, type(error).__name__, str(error).split(". ")[0] + ".")
PYTHON
seen=$("$folder/venv/bin/python" "$folder/try.py" "$folder" 2> /dev/null)
printf '%s\n' "$seen"
[ "$seen" = "model.keras True
model.h5 ValueError Unknown layer: 'Relu'." ]
