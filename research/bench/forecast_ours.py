"""Our side of the forecasters' races: the program that `train.py` runs, windows cut from the series in every step."""

from importlib.metadata import version

import jax
import jax.numpy as jnp

from research.bench.forecast_nets import network_of
from research.bench.forecasts import leaves, series, steps_of
from research.bench.party_ours import matmul_seconds, trained
from research.bench.photos import sampled
from research.bench.work import Work
from research.bench.workloads import Workload
from research.models.apply import apply_of
from research.runtime import device_name, prepare
from research.training.objectives import forecasting
from research.training.state import Stretches
from research.training.step import cut
from research.trees import count, from_named


def build(workload: Workload) -> Work:
    """`workload` by our library."""
    prepare()
    net, data, per_step = network_of(workload), stretches(workload), steps_of(workload)
    apply = apply_of(net)
    inputs, _, _ = cut(data, jnp.arange(workload.batch))
    like = jax.eval_shape(net.init, jax.random.key(0), inputs)["params"]
    params = from_named({name: jnp.asarray(leaf) for name, leaf in leaves(workload).items()}, like)
    sample = sampled(jax.jit(apply, static_argnums=2)(params, inputs, None)[:1])
    metrics = ("loss", "scaled_mae")
    once = trained(apply, lambda key: params, data, workload.batch, forecasting("mse"), metrics)
    versions = {"jax": version("jax"), "flax": version("flax")}
    run = lambda times: once(times * per_step)  # noqa: E731
    return Work(run, count(params), versions, device_name(), matmul_seconds, sample)


def stretches(workload: Workload) -> Stretches:
    """The series on the device, all of it known, in units of its own, and where its windows begin."""
    context, horizon, _ = workload.window
    values = jnp.asarray(series(workload))
    return Stretches(
        values=values,
        known=jnp.ones_like(values),
        calendar=jnp.zeros((len(values), 0)),
        starts=jnp.arange(workload.examples),
        past=jnp.arange(context),
        ahead=jnp.arange(context, context + horizon),
    )
