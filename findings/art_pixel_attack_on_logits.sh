#!/usr/bin/env bash
# Adversarial Robustness Toolbox 1.20.1, numpy 2.4, Python 3.11: PixelAttack makes the column of the true class, as the
# classifier outputs it, as small as it can. For a net that gives logits that is not the same as to make the class less
# likely: here both logits rise with a pixel, the other class's twice as fast. With the net's softmax the attack flips
# the picture; with its logits it searches in the other direction and reports no success, although one pixel is enough.
#
# Guessed: logits and softmax of one net are attacked alike, since they name the same class. Output seen:
#   softmax flipped True
#   logits flipped False
# What to do: give it probabilities. Fails when the behaviour changes.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q adversarial-robustness-toolbox==1.20.1 'numpy==2.4.*'
cat > "$folder/try.py" <<'PYTHON'
import numpy as np
from art.attacks.evasion import PixelAttack
from art.estimators.classification import BlackBoxClassifier

SHAPE = (1, 6, 6)


def logits(pictures):
    """Classes 0, 1 and 2; both of the first two rise with the brightest pixel."""
    tone = np.asarray(pictures, float).reshape(len(pictures), -1).max(1) / 255
    return np.stack([tone, 2 * tone - 0.6, np.full_like(tone, -3)], axis=1)


def softmax(pictures):
    powers = np.exp(5 * logits(pictures))
    return powers / powers.sum(1, keepdims=True)


picture = np.full((1, *SHAPE), 20.0, np.float32)
for name, net in (("softmax", softmax), ("logits", logits)):
    np.random.seed(0)
    classifier = BlackBoxClassifier(net, SHAPE, 3, clip_values=(0, 255))
    attack = PixelAttack(classifier, th=1, es=1, max_iter=30, verbose=False)
    changed = attack.generate(picture, np.array([0]))
    print(name, "flipped", bool(net(changed).argmax() != net(picture).argmax()))
PYTHON
seen=$("$folder/venv/bin/python" -W ignore "$folder/try.py" 2> /dev/null)
printf '%s\n' "$seen"
[ "$seen" = "softmax flipped True
logits flipped False" ]
