"""Double descent over steps: linear regression on features of two scales, and a net on 500 digits with noisy labels.

python scripts/double_descent.py configs/double_descent_epochs.py
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
