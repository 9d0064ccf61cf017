"""Makes ascent.npz: what a plain torch loop over the filters of SqueezeNet's fire5 reaches, on the real weights.

RESEARCH_DATA=DIR python tests/bench/golden/make.py     (once, by hand; needs: pip install -e '.[bench]'; 3 minutes)

For each filter, the mean activation of the picture that 32 steps of Adam end at, from the start that all share.
"""

from pathlib import Path

import numpy as np
import torch

from research.bench.architectures import layers_to
from research.bench.data import weights
from research.bench.torch_peer import build_ascent, net_of
from research.bench.workloads import pick

FILE = Path(__file__).with_name("ascent.npz")


def main():
    [workload] = pick(["ascent_squeezenet_fire5"])
    assert weights(workload).origin.startswith("ImageNet's")
    torch.set_num_threads(1)
    ascend, found = build_ascent(workload, torch.contiguous_format, tuned=False), {}
    for layer in workload.layers:
        net, means = net_of(workload, layers_to(workload, layer), torch.contiguous_format), []
        for index, picture in enumerate(ascend({layer: list(range(128))})):
            with torch.inference_mode():
                tap = net(torch.from_numpy(picture).permute(2, 0, 1)[None])
            means.append(float(tap[:, index].mean()))
        found[layer.replace("/", "_")] = np.array(means, np.float32)
    np.savez(FILE, **found)


if __name__ == "__main__":
    main()
