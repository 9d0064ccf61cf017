"""The forecasters of the races as ours, and the arithmetic that a step takes."""

from research.bench.forecasts import leaves
from research.bench.workloads import Workload
from research.models.forecasters import Ends, dense_forecaster, recurrent_forecaster
from research.models.network import Network
from research.models.summary import summarize


def network_of(workload: Workload) -> Network:
    """The forecaster of `workload`: a window -> [B, P, F, 1]."""
    _, horizon, channels = workload.window
    ends = Ends(horizon, channels)
    if workload.net == "dense":
        return dense_forecaster(ends, workload.hidden)
    return recurrent_forecaster(ends, "lstm", workload.hidden)


def flops(workload: Workload) -> int:
    """Floating-point operations of a step of the race, counted as in `nets.flops_per_step`.

    Of an LSTM, nobody asks for the gradient of what it reads.
    """
    context, _, channels = workload.window
    work = sum(layer["multiply_adds"] for layer in summarize(network_of(workload), (context, channels)))
    given = leaves(workload)
    first = given["dense1/kernel"].size if workload.net == "dense" else context * given["lstm1/kernel"].size
    examples = workload.examples if workload.task == "forecast_run" else workload.batch
    return 2 * examples * (3 * work - first)
