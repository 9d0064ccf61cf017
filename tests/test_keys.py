import jax
import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from research.keys import key

ADDRESS = st.lists(st.one_of(st.text(max_size=5), st.integers(0, 2**31 - 1)), max_size=4)


def bits(found):
    return tuple(np.asarray(jax.random.key_data(found)).tolist())


@given(st.integers(0, 2**31 - 1), ADDRESS)
def test_the_same_address_is_the_same_key(seed, address):
    assert bits(key(seed, *address)) == bits(key(seed, *address))


def test_every_part_of_an_address_counts():
    addresses = [(0,), (1,), (0, "shuffle"), (0, "shuffle", 0), (0, "shuffle", 1), (0, "dropout", 0), (0, 0), (0, 0, 0)]
    assert len({bits(key(*address)) for address in addresses}) == len(addresses)


def test_traced_integers_give_the_key_of_plain_ones():
    assert bits(jax.jit(lambda seed, step: key(seed, "dropout", step))(3, 7)) == bits(key(3, "dropout", 7))


def test_names_are_stable_over_processes():
    assert bits(key(0, "init")) == (3020537540, 2946840664)
