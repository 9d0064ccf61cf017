"""Double descent over the width: random ReLU features and a trained net, on 500 of the embedded digits.

python scripts/double_descent.py configs/double_descent_width.py
"""

from research.config import MlpWidths, WidthDescent


def get_config() -> WidthDescent:
    below, near = (50, 100, 150, 200, 250, 300, 350, 400), (440, 470, 490, 500, 510, 530, 560)
    return WidthDescent(
        name="double_descent_width",
        seeds=5,
        rows=500,
        noises=(0.0, 0.2),
        features=(*below, *near, 600, 700, 850, 1000, 1400, 2000, 3000, 5000, 8000),
        mlp=MlpWidths(
            widths=(4, 6, 8, 10, 12, 16, 20, 24, 32, 48, 64, 96, 128, 256, 512),
            loss="cross_entropy",
            epochs=1000,
            batch_size=100,
            learning_rate=3e-3,
        ),
    )
