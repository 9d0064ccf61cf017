"""Makes recurrent.npz: what the recurrent layers and causal convolutions of Keras 3, Keras 2 and torch compute.

python tests/models/golden/make_recurrent.py    (once, by hand; needs: pip install -e '.[bench]' tf-keras)

CASE/x [B, L, D] and CASE/weights/N in the package's own order and axes; CASE/sequence [B, L, H], all hidden states (and
CASE/cell [B, H], a torch LSTM's last memory); CASE/pull, what the sequence is multiplied by before it is summed up, and
the derivatives of that sum: CASE/dx, CASE/dweights/N. Weights are large enough for gates to saturate.
"""

from pathlib import Path

import keras
import numpy as np
import tensorflow as tf
import tf_keras
import torch

FILE = Path(__file__).with_name("recurrent.npz")
BATCH, STEPS, FEATURES, UNITS = 2, 7, 3, 5


def keras_cases():
    """{case: layer} of both Keras; all give their whole sequence."""
    new, old, whole = keras.layers, tf_keras.layers, {"return_sequences": True}
    hard = {"recurrent_activation": "hard_sigmoid", **whole}
    return {
        "keras_rnn": new.SimpleRNN(UNITS, **whole),
        "keras_lstm": new.LSTM(UNITS, **whole),
        "keras_lstm_no_forget_bias": new.LSTM(UNITS, unit_forget_bias=False, **whole),
        "keras_lstm_hard": new.LSTM(UNITS, **hard),
        "keras_gru": new.GRU(UNITS, **whole),
        "keras_gru_before": new.GRU(UNITS, reset_after=False, **whole),
        "keras_gru_hard": new.GRU(UNITS, **hard),
        "keras2_lstm_hard": old.LSTM(UNITS, **hard),
        "keras2_gru_before_hard": old.GRU(UNITS, reset_after=False, **hard),
        "keras_conv": new.Conv1D(UNITS, 3, padding="causal", dilation_rate=2),
    }


def of_keras(layer, generator):
    """Arrays of one case, the bias before training among them."""
    layer.build((BATCH, STEPS, FEATURES))
    start = layer.get_weights()[-1]
    layer.set_weights([generator.normal(0, 0.8, array.shape) for array in layer.get_weights()])
    x, pull = _given(generator)
    variables = [each if isinstance(each, tf.Variable) else each.value for each in layer.trainable_weights]
    with tf.GradientTape() as tape:
        inputs = tf.constant(x)
        tape.watch(inputs)
        sequence = layer(inputs)
        total = tf.reduce_sum(sequence * pull)
    dx, *dweights = tape.gradient(total, [inputs, *variables])
    return {"first_bias": start} | _named(x, layer.get_weights(), np.asarray(sequence), pull, dx, dweights)


def of_torch(layer, generator):
    """Arrays of one case: weights are weight_ih, weight_hh, bias_ih, bias_hh."""
    x, pull = _given(generator)
    inputs = torch.tensor(x, requires_grad=True)
    with torch.no_grad():
        for weight in layer.parameters():
            weight.copy_(torch.tensor(generator.normal(0, 0.8, weight.shape)))
    sequence, last = layer(inputs)
    (sequence * torch.tensor(pull)).sum().backward()
    weights = [weight.detach().numpy() for weight in layer.parameters()]
    dweights = [weight.grad.numpy() for weight in layer.parameters()]
    found = _named(x, weights, sequence.detach().numpy(), pull, inputs.grad.numpy(), dweights)
    return found | ({"cell": last[1][0].detach().numpy()} if isinstance(last, tuple) else {})


def _given(generator):
    shapes = (BATCH, STEPS, FEATURES), (BATCH, STEPS, UNITS)
    return [generator.normal(0, 1, shape).astype(np.float32) for shape in shapes]


def _named(x, weights, sequence, pull, dx, dweights):
    found = {"x": x, "sequence": sequence, "pull": pull, "dx": np.asarray(dx)}
    found |= {f"weights/{index}": weight for index, weight in enumerate(weights)}
    return found | {f"dweights/{index}": np.asarray(weight) for index, weight in enumerate(dweights)}


def main():
    generator = np.random.default_rng(0)
    cases = {case: of_keras(layer, generator) for case, layer in keras_cases().items()}
    for kind in ("RNN", "LSTM", "GRU"):
        layer = getattr(torch.nn, kind)(FEATURES, UNITS, batch_first=True)
        cases[f"torch_{kind.lower()}"] = of_torch(layer, generator)
    golden = {f"{case}/{name}": array for case, arrays in cases.items() for name, array in arrays.items()}
    np.savez_compressed(FILE, **golden)
    print(f"{FILE}: {len(cases)} cases, {FILE.stat().st_size:,} bytes")


if __name__ == "__main__":
    main()
