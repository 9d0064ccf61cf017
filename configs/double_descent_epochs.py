"""Double descent over steps: linear regression on features of two scales, and a net on 500 digits with noisy labels.

python scripts/double_descent.py configs/double_descent_epochs.py

1 min on 2 CPU cores, 5 seeds. Two scales: with one step size the risk is 11.31 at step 36, peaks with 12.12 ± 0.08 at
step 605 (95%: 565 to 638) and falls to 11.42; with a step size for each group it has no peak, and 10.53 at step 40. The
net's squared error is 0.320 at epoch 3, peaks with 0.469 ± 0.006 at epoch 58 (38 to 88) and falls to 0.387; with the
output layer's learning rate times 0.001 it has no peak, and 0.283 ± 0.006 at epoch 10 (test error 6.3% ± 1.0 at 6).
"""

from research.config import EpochDescent, MlpEpochs, TwoScales


def get_config() -> EpochDescent:
    return EpochDescent(
        name="double_descent_epochs",
        seeds=5,
        rows=500,
        noise=0.2,
        two_scales=TwoScales(
            rows=1000,
            features=(100, 30),
            scales=(1.0, 0.1),
            coefficients=(0.07, 1.8),
            noise_variance=10.0,
            step_size=0.01,
            steps=100_000,
        ),
        mlp=MlpEpochs(
            width=512,
            loss="squared_error",
            epochs=500,
            batch_size=10,
            learning_rate=3e-3,
            factors=((1.0, 1.0), (1.0, 0.001), (0.01, 1.0)),
        ),
    )
