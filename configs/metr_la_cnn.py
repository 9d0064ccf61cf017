"""METR-LA: the speeds of 15 sensors on the I-405 over one week, 6 h in and 24 h out: causal convolutions.

python scripts/train.py configs/metr_la_cnn.py --data.root DIR --seeds 5

70 s a seed on 2 CPU cores (shared); test MAE 9.55 ± 0.67 mph over 5 seeds, where the day before has 4.87.
"""

from research.config import ConvForecaster, Forecast, Optimizer, SeriesData, SeriesExperiment, Training


def get_config() -> SeriesExperiment:
    return SeriesExperiment(
        name="metr_la_cnn",
        data=SeriesData(
            source="traffic_i405/metr_la_i405_week_speed.csv",
            unit="mph",
            stride=6,
            calendar=("time_of_day",),
            validation=0.26,
            test=0.3,
        ),
        model=ConvForecaster(channels=(32, 32, 32, 32, 32), kernel=3),
        forecast=Forecast(lower=(0.0,), coverage=0.65),  # 2 days of validation can promise so much
        optimizer=Optimizer(name="adam", learning_rate=1e-3),
        train=Training(epochs=500, batch_size=64),
    )
