"""record.json: the numbers of a run with their provenance, in a fixed order."""

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

from research.errors import UserError
from research.files import read_json

STATUSES = ("finished", "stopped early", "preempted", "diverged")

_FIELDS: dict[str, type | tuple[type, ...]] = {
    "experiment": str,
    "seed": int,
    "metrics": Mapping,
    "parameters": Mapping,
    "seconds": Mapping,
    "throughput": Mapping,
    "data": Mapping,
    "device": str,
    "versions": Mapping,
    "commit": str,
    "status": str,
}
_ORDER = (*_FIELDS, "preprocessing", "diverged", "start", "epochs", "seeds")  # what a kind adds comes after
_PARTS = {
    "parameters": ("total", "trainable"),
    "seconds": ("compile", "train", "total"),
    "throughput": ("examples_per_second",),
    "data": ("name", "fingerprint", "sizes"),
}


def build_record(
    of_kind: Mapping[str, Any],
    *,
    experiment: str,
    seed: int,
    metrics: Mapping[str, Mapping[str, float]],
    parameters: Mapping[str, int],
    seconds: Mapping[str, float],
    throughput: Mapping[str, float],
    device: str,
    versions: Mapping[str, str],
    commit: str,
    status: str,
    diverged: Mapping[str, Mapping[str, Any]] = MappingProxyType({}),
    start: Mapping[str, Any] = MappingProxyType({}),
    epochs: Mapping[str, Mapping[str, Any]] = MappingProxyType({}),
    seeds: Mapping[str, Mapping[str, Any]] = MappingProxyType({}),
) -> dict[str, Any]:
    """record.json as a dict, its fields in this order; `of_kind` holds `data` and the fields of one kind alone:

    experiment    the configuration's name
    seed          the (first) seed
    metrics       {split: {name: value}}; NAME_low95 and NAME_high95 are the ends of NAME's 95% interval
    parameters    {total, trainable}
    seconds       {compile, train, total}
    throughput    {examples_per_second}, of training, without compilation
    data          {name, fingerprint, pictures or windows, sizes: {split: examples}}; of series also columns, unit,
                  step, context, horizon ("1 h") and findings (sentences)
    device        in words
    versions      {package: version}, see `environment.environment`
    commit        of the project's checkout, "-dirty" when changed since, "unknown" outside one
    status        finished | stopped early | preempted | diverged
    preprocessing  of kinds that need one, to preprocess other examples as in training: {ink, squash, ranges}
    diverged      only of trainings that diverged: {seed: {step, epoch, leaf}}: from 1, and the leaf that was not finite
    start         only of a training that started from a run: {run, experiment, config (its fingerprint), commit, leaves
                  (names of those taken over), digest (of their numbers)}
    epochs        {seed: {run, best}}: epochs trained, and the one whose weights were saved (None: the last)
    seeds         only with several seeds: {"SPLIT/NAME": {mean, std, low95, high95, values}}

    and then the other fields of `of_kind`, in its order; for classifiers

    baselines     {split: {commonest_class, chance}}, accuracies that need no learning
    learned_nothing  only where a classifier learned nothing: {seed: why, and what to try}

    Optional fields that are empty are left out. Raises ValueError that lists every field which does not fit, and for a
    field of `of_kind` that all kinds have.
    """
    of_all = {
        "experiment": experiment,
        "seed": seed,
        "metrics": metrics,
        "parameters": parameters,
        "seconds": seconds,
        "throughput": throughput,
        "device": device,
        "versions": versions,
        "commit": commit,
        "status": status,
        "diverged": diverged,
        "start": start,
        "epochs": epochs,
        "seeds": seeds,
    }
    if taken := of_all.keys() & of_kind.keys():
        raise ValueError(f"{', '.join(sorted(taken))} are fields of every kind's record")
    fields = {**of_all, **of_kind}
    given = [name for name in (*_ORDER, *of_kind) if name in fields and (name in _FIELDS or fields[name] != {})]
    record = {name: _plain(fields[name]) for name in given}
    wrong = problems(record)
    if wrong:
        raise ValueError("; ".join(wrong))
    return record


def _plain(value: Any) -> Any:
    """`value` with dicts in place of all mappings."""
    return {name: _plain(each) for name, each in value.items()} if isinstance(value, Mapping) else value


def read_record(run: Path | str) -> dict[str, Any]:
    """record.json of the run directory `run`; UserError, with the remedy, when it is missing, damaged or no record."""
    path = Path(run) / "record.json"
    again = f"scripts/train.py --config-json {Path(run) / 'config.json'} --run-dir {run} writes it from the checkpoints"
    if not path.exists():
        raise UserError(f"{run} has no record.json: its training has not ended; {again}")
    try:
        record = read_json(path)
    except UserError as error:
        raise UserError(f"{str(error).partition(';')[0]}; {again}") from error
    wrong = problems(record)
    if wrong:
        raise UserError(f"{path} is not a record ({wrong[0]}); {again}")
    return record


def measured(record: Mapping[str, Any], split: str, name: str) -> dict[str, Any]:
    """Metric `name` of `split` with its 95% interval, as {"value", "low95", "high95", "seeds"}; None where unknown.

    With several seeds it is the mean over them. With one, the interval is that of the one trained model.
    """
    over_seeds = record.get("seeds", {}).get(f"{split}/{name}")
    if over_seeds is not None:
        ends = {end: over_seeds[end] for end in ("low95", "high95")}
        return {"value": over_seeds["mean"], **ends, "seeds": len(over_seeds["values"])}
    values = record["metrics"].get(split, {})
    return {"value": values.get(name), **{end: values.get(f"{name}_{end}") for end in ("low95", "high95")}, "seeds": 1}


def score_on_test(record: Mapping[str, Any], metric: str) -> dict[str, Any]:
    """`metric` on test as {"mean", "std", "low95", "high95", "values"}: over seeds where there are several.

    Of one seed, std is None and the interval that of the one trained model.
    """
    if "seeds" in record:
        return dict(record["seeds"][f"test/{metric}"])
    found = measured(record, "test", metric)
    ends = {end: found[end] for end in ("low95", "high95")}
    return {"mean": found["value"], "std": None, **ends, "values": [found["value"]]}


def series_unit(record: Mapping[str, Any]) -> str:
    """The unit of the quantities of a record; empty where it has none, as with pictures."""
    return record["data"].get("unit") or ""


def model_name(record: Mapping[str, Any]) -> str:
    """The name of the model in tables of its first seed: `model, seed 0` where the run has several."""
    return f"model, seed {record['seed']}" if "seeds" in record else "model"


def problems(record: Any) -> list[str]:
    """The faults of `record`, one phrase per field; empty when it is sound."""
    if not isinstance(record, Mapping):
        return ["not a JSON object"]
    wrong = [f"no {name}" for name in _FIELDS if name not in record]
    wrong += [f"{name} is {record[name]!r:.40}" for name, kind in _FIELDS.items() if not _fits(record, name, kind)]
    wrong += [
        f"no {name}.{part}"
        for name, parts in _PARTS.items()
        if isinstance(record.get(name), Mapping)
        for part in parts
        if part not in record[name]
    ]
    if isinstance(record.get("status"), str) and record["status"] not in STATUSES:
        wrong.append(f"status is {record['status']!r:.40}, not one of {', '.join(STATUSES)}")
    return wrong


def _fits(record: Mapping[str, Any], name: str, kind: type | tuple[type, ...]) -> bool:
    return name not in record or (isinstance(record[name], kind) and not isinstance(record[name], bool))
