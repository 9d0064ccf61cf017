"""The attack that all peers run: pictures, what is counted, and ours against the net itself. Nothing is timed."""

from pathlib import Path

import jax.numpy as jnp
import numpy as np
import pytest

from configs.cifar10_lenet5 import LAYERS
from research.attack.local import plain_asker
from research.bench import victims
from research.bench.attack import POPULATION, Searched, most_queries, timed
from research.bench.data import weights
from research.bench.ours import attack_search
from research.bench.victims import LENET5
from research.bench.workloads import pick

SPEED, SUCCESS = pick(["one_pixel_speed", "one_pixel_success"])
SIDE = 4


def one_tone(images):
    """Class 1 where the first channel at (2, 1) is over 250, of pictures [N, H, W, C]; class 0 elsewhere."""
    tone = images[:, 2, 1, 0].astype(jnp.float32)
    return jnp.stack([jnp.full_like(tone, 250.5), tone], axis=-1) / 10


def constant(images):
    """Class 0 everywhere."""
    return jnp.stack([jnp.ones(len(images)), jnp.zeros(len(images))], axis=-1)


def dark(count):
    return np.random.default_rng(0).integers(0, 100, (count, SIDE, SIDE, 3)).astype(np.uint8)


def test_a_step_is_as_long_as_its_queries_take():
    asked = []

    def search(numbers):
        asked.append(numbers.tolist())
        return Searched(numbers % 2 == 0, most_queries(SPEED))  # half of what two pictures may ask

    run, tally = timed(SPEED, search)
    seconds = run(2)
    assert 0 < seconds < 1 and run(3) > 0
    assert asked == [[0, 1], [2, 3, 4]]
    assert tally() == {"pictures": 5, "flipped": 3, "queries": 2 * most_queries(SPEED)}


def test_most_queries_are_those_of_the_paper():
    assert most_queries(SPEED._replace(generations=100)) == 400 * 101


def test_ours_asks_as_often_as_it_says_and_flips_what_can_be():
    search = attack_search(plain_asker(one_tone), dark(3), np.zeros(3, np.int32), 40)
    found = search(np.arange(5))  # more than there are: they come again, with other random numbers
    assert found.flipped.all() and 0 < found.queries < 5 * 41 * POPULATION
    never = attack_search(plain_asker(constant), dark(2), np.zeros(2, np.int32), 3)(np.arange(2))
    assert not never.flipped.any() and never.queries == 2 * 4 * POPULATION


def test_the_net_is_that_of_the_configuration():
    assert LENET5 == LAYERS


def test_patterns_are_told_apart_by_their_classes_but_not_all():
    images, labels = victims.patterns(500, seed=0)
    assert images.shape == (500, 32, 32, 3) and images.dtype == np.uint8 and set(labels) == set(range(10))
    again, other = victims.patterns(500, seed=0)[0], victims.patterns(500, seed=1)[0]
    assert np.array_equal(images, again) and not np.array_equal(images, other)
    means = np.stack([images[labels == label].mean(0) for label in range(10)])
    unseen, truth = victims.patterns(300, seed=2)
    nearest = ((unseen[:, None] - means) ** 2).sum((2, 3, 4)).argmin(1)
    assert 0.5 < (nearest == truth).mean() < 0.9


def test_pictures_are_cifars_where_they_lie(tmp_path):
    assert victims.origin(tmp_path) == "generated patterns"
    assert victims.trained_file(tmp_path).name.startswith("lenet5_generated_patterns-")
    own = dark(6)
    np.savez(tmp_path / "cifar10.npz", x_test=own)
    assert victims.origin(tmp_path) == "CIFAR-10" and np.array_equal(victims.unseen_pictures(tmp_path, 4), own[:4])


@pytest.mark.slow
def test_the_net_under_attack_is_trained_once(tmp_path, monkeypatch):
    """By a process of its own, here on pictures beside which an epoch takes no time."""
    images, labels = victims.patterns(600, seed=0)
    np.savez(tmp_path / "cifar10.npz", x_train=images, y_train=labels, x_test=images[:50], y_test=labels[:50])
    monkeypatch.setenv("RESEARCH_DATA", str(tmp_path))
    monkeypatch.chdir(Path(victims.__file__).parents[2])
    found = weights(SUCCESS)
    assert found.origin == "2 epochs on CIFAR-10" and victims.trained_file(tmp_path).is_file()
    assert found.leaves["conv1/kernel"].shape == (5, 5, 3, 6) and found.leaves["logits/bias"].any()


@pytest.mark.needs_attackers
@pytest.mark.parametrize("tuned", [False, True])
@pytest.mark.parametrize("peer", ["torchattacks", "art"])
def test_every_picture_that_a_peer_asks_about_is_counted(peer, tuned):
    """A net that never flips: a search asks about each population and, once a generation, its best."""
    import torch

    from research.bench import attack_peer

    class Firm(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.sizes = []

        def forward(self, x):
            self.sizes.append(len(x))
            mean = x.mean((1, 2, 3))
            return torch.stack([300 - mean, mean], dim=1) / 300  # ART divides by the spread of the label's logits

    net = Firm()
    images = torch.from_numpy(dark(2)).permute(0, 3, 1, 2).float()
    make = {"torchattacks": attack_peer.torchattacks_search, "art": attack_peer.art_search}[peer]
    search = make(net, images, torch.tensor([0, 0]), 3, tuned=tuned)
    found = search(np.arange(3))
    judged = net.sizes.pop()  # the returned pictures, which are no queries of the attack
    assert judged == 3 and not found.flipped.any()
    assert found.queries == sum(net.sizes) == 3 * (4 * POPULATION + 3 + (peer == "art"))  # ART asks at the end, too
    assert max(net.sizes) == (POPULATION if tuned else attack_peer.BATCH)


@pytest.mark.needs_attackers
@pytest.mark.parametrize("peer", ["torchattacks", "art"])
def test_a_peer_flips_what_can_be(peer):
    """Where one bright channel anywhere decides, both find it at once; the picture is judged in levels of 0 to 255."""
    import torch

    from research.bench import attack_peer

    class Brightest(torch.nn.Module):
        def forward(self, x):
            top = x.amax((1, 2, 3))
            return torch.stack([300 - top, top], dim=1) / 10

    images = torch.from_numpy(dark(2)).permute(0, 3, 1, 2).float()
    make = {"torchattacks": attack_peer.torchattacks_search, "art": attack_peer.art_search}[peer]
    found = make(Brightest(), images, torch.tensor([0, 0]), 20, tuned=True)(np.arange(2))
    assert found.flipped.all() and found.queries < 2 * 3 * POPULATION


@pytest.mark.slow
@pytest.mark.needs_attackers
def test_peers_attack_our_net():
    from research.bench import attack_peer, ours
    from research.bench.race import same_outputs

    small = SPEED._replace(examples=2, generations=1)
    works = {"ours": ours.build(small)} | {
        peer: attack_peer.build(small, peer, threads=None) for peer in ("torchattacks", "art")
    }
    same_outputs({name: work.sample for name, work in works.items()})
    assert {work.parameters for work in works.values()} == {62_006}
    for work in works.values():
        assert work.run(1) > 0 and work.tally()["pictures"] == 1
