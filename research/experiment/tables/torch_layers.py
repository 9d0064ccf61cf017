"""The layers of nets of tables in PyTorch, with the preprocessing that was fitted on the training rows."""

from research.errors import UserError
from research.experiment.exported import INSTEAD, Layered, Makers
from research.experiment.tables.loss import LEAST, Loss
from research.experiment.torch_module import TORCH, Written
from research.models.tables import Levels, Numbers, TargetScale

NUMBERS = '''

class Numbers(nn.Module):
    """Numbers [B, count], NaN where missing, to the net's scale; behind them a 1 for a missing one of the `gaps`."""

    def __init__(self, count, gaps, clip, embedding, size):
        super().__init__()
        self.gaps, self.clip, self.embedding = gaps, clip, embedding
        for name in ("logged", "median", "indicated", "center", "scale"):
            self.register_buffer(name, torch.zeros(count))
        if embedding == "piecewise":
            self.register_buffer("edges", torch.zeros(count, size + 1))
        if embedding == "periodic":
            self.frequencies = nn.Parameter(torch.zeros(count, size))
            self.kernel = nn.Parameter(torch.zeros(count, 2 * size, size))
            self.bias = nn.Parameter(torch.zeros(count, size))

    def forward(self, numbers):
        logged = torch.where(self.logged > 0, torch.log1p(numbers.clamp(min=0)), numbers)
        absent = torch.isnan(numbers)
        filled = torch.where(absent, self.median, logged)
        scaled = (filled - self.center) / self.scale
        if self.clip:
            scaled = scaled / torch.sqrt(1 + (scaled / self.clip) ** 2)
        marked = absent[:, self.gaps] * self.indicated[self.gaps]
        return torch.cat([*self.embedded(scaled, filled), marked], -1)

    def embedded(self, scaled, filled):
        if self.embedding == "piecewise":
            widths = self.edges.diff()
            within = (filled[..., None] - self.edges[:, :-1]) / torch.where(widths > 0, widths, 1.0)
            return [within.clamp(0, 1).flatten(1)]
        if self.embedding == "periodic":
            angles = 2 * torch.pi * scaled[..., None] * self.frequencies
            waves = torch.cat([torch.sin(angles), torch.cos(angles)], -1)
            learned = torch.relu(torch.einsum("bfe,fed->bfd", waves, self.kernel) + self.bias)
            return [scaled, learned.flatten(1)]
        return [scaled]
'''
LEVELS = '''

class Levels(nn.Module):
    """Codes [B, columns] of levels as one-hot numbers, or with `size` as a learned vector each; zeros for rare ones."""

    def __init__(self, counts, size):
        super().__init__()
        self.counts, self.size = counts, size
        self.register_buffer("common", torch.zeros(sum(counts)))
        if size:
            self.vectors = nn.Parameter(torch.zeros(sum(counts), size))

    def forward(self, codes):
        columns = zip(codes.unbind(1), self.counts)
        hot = torch.cat([code[:, None] == torch.arange(count, device=code.device) for code, count in columns], -1)
        hot = hot * self.common
        if not self.size:
            return hot
        pairs = zip(hot.split(self.counts, -1), self.vectors.split(self.counts))
        return torch.cat([part @ vectors for part, vectors in pairs], -1)
'''
TARGET = '''

class Target(nn.Module):
    """A scaled target in its own unit: quantiles in rising order, or with `deviation` a mean and a deviation."""

    def __init__(self, deviation):
        super().__init__()
        self.deviation = deviation
        self.register_buffer("center", torch.zeros(1))
        self.register_buffer("scale", torch.ones(1))

    def forward(self, x):
        if self.deviation:
            mean = x[:, :1] * self.scale + self.center
            return torch.cat([mean, torch.exp(x[:, 1:].clamp(min=LEAST)) * self.scale], -1)
        return x.sort(-1).values * self.scale + self.center
'''.replace("LEAST", repr(LEAST))


def torch_layers(loss: Loss) -> Makers:
    """The writers; the `loss` says what the outputs are."""
    return TORCH | {Numbers: _numbers, Levels: _levels, TargetScale: lambda at: _target(at, loss)}


def refuse_ranks(layer: Numbers) -> None:
    """UserError for numbers that are scaled by ranks."""
    if layer.knots:
        raise UserError(f"numbers are scaled by ranks (data.scaling quantile), which is not exported; {INSTEAD}")


def _numbers(at: Layered) -> Written:
    layer = at.layer
    refuse_ranks(layer)
    settings = f"{layer.count}, {list(layer.gaps)}, {layer.clip!r}, {layer.embedding!r}, {layer.size}"
    return Written(f"self.{at.name}(numbers)", f"Numbers({settings})", at.leaves, helper=NUMBERS)


def _levels(at: Layered) -> Written:
    made = f"Levels({list(at.layer.counts)}, {at.layer.size})"
    return Written(f"self.{at.name}(codes)", made, at.leaves, helper=LEVELS)


def _target(at: Layered, loss: Loss) -> Written:
    return Written(f"self.{at.name}({at.inputs[0]})", f"Target({loss == 'gaussian'})", at.leaves, helper=TARGET)
