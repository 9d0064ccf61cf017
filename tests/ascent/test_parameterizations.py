import jax
import jax.numpy as jnp
import numpy as np
import pytest

from research.ascent.parameterizations import (
    IMAGENET_COLOR,
    IMAGENET_MEAN,
    Fourier,
    Framed,
    Pixels,
    colors_of,
    inverse_fourier,
    phase_of,
)

SHAPES = [(7, 5, 1), (8, 6, 3), (5, 9, 4)]


@pytest.mark.parametrize("shape", [(5, 7, 2), (8, 6, 3), (1, 1, 1), (2, 1, 3), (1, 4, 1)])
def test_synthesis_is_numpys_inverse_transform(shape):
    real, imaginary = np.random.default_rng(0).normal(size=(2, shape[0], shape[1] // 2 + 1, shape[2]))
    wanted = np.fft.irfft2(real + 1j * imaginary, s=shape[:2], axes=(0, 1))
    found = inverse_fourier(real.astype(np.float32), imaginary.astype(np.float32), shape)
    np.testing.assert_allclose(found, wanted, atol=1e-6)


def parameterizations(shape):
    pictures = np.random.default_rng(1).integers(0, 256, (20, *shape))
    color = np.eye(shape[-1], dtype=np.float32)
    return [Pixels(shape), Fourier(jnp.asarray(color), shape), phase_of(pictures, color)]


@pytest.mark.slow
@pytest.mark.parametrize("shape", [SHAPES[0], *(pytest.param(shape, marks=pytest.mark.slow) for shape in SHAPES[1:])])
def test_every_parameterization_has_any_size_and_channel_count(shape):
    for parameterization in parameterizations(shape):
        numbers = 10 * parameterization.start(jax.random.key(0))
        picture = parameterization.render(parameterization.project(numbers))
        assert picture.shape == shape and picture.min() >= 0 and picture.max() <= 255 and picture.std() > 0
        slope = jax.grad(lambda n, parameterization=parameterization: parameterization.render(n)[0, 0, 0])(
            parameterization.start(jax.random.key(1))
        )
        assert np.isfinite(slope).all() and slope.any()


@pytest.mark.parametrize("shape", SHAPES)
def test_a_pictures_numbers_give_the_picture(shape):
    picture = np.random.default_rng(2).integers(1, 255, shape).astype(np.uint8)
    color = jnp.asarray(np.eye(shape[-1]) + 0.25, jnp.float32)
    mean = jnp.linspace(60, 200, shape[-1])
    for parameterization in (Pixels(shape), Fourier(color, shape), Fourier(color, shape, mean)):
        np.testing.assert_allclose(parameterization.render(parameterization.invert(picture)), picture, atol=0.1)
    corner = (2, 1)
    framed = Framed(Fourier(color, (shape[0] - 3, shape[1] - 2, shape[2])), corner, shape)
    within = (slice(2, -1), slice(1, -1))
    np.testing.assert_allclose(framed.render(framed.invert(picture))[within], picture[within], atol=0.1)


def test_a_pictures_phases_give_it_back_where_the_magnitudes_are_its_own():
    picture = np.random.default_rng(2).integers(1, 255, (8, 6, 3)).astype(np.uint8)
    parameterization = phase_of(picture[None], np.eye(3, dtype=np.float32))
    found = np.asarray(parameterization.render(parameterization.invert(picture)))
    assert np.corrcoef(found.ravel(), picture.ravel())[0, 1] > 0.9


def test_at_the_start_pictures_are_nearly_gray_and_of_all_scales_alike():
    parameterization = Fourier(jnp.asarray(IMAGENET_COLOR), (64, 64, 3))
    pictures = np.array([parameterization.render(parameterization.start(jax.random.key(seed))) for seed in range(20)])
    assert abs(pictures.mean() - 127.5) < 3 and pictures.std() < 15
    power = (np.abs(np.fft.rfft2(pictures - pictures.mean(), axes=(1, 2))) ** 2).mean(axis=(0, 3))
    assert 8 < power[2, 2] / power[8, 8] < 32  # 1 / f^2: 16


def test_zeros_stand_for_the_mean_colour():
    parameterization = Fourier(jnp.asarray(IMAGENET_COLOR), (4, 6, 3), jnp.asarray(IMAGENET_MEAN))
    picture = parameterization.render(jnp.zeros((2, 4, 4, 3)))
    np.testing.assert_allclose(picture, np.broadcast_to(IMAGENET_MEAN, (4, 6, 3)), rtol=1e-5)


def test_magnitudes_are_those_of_the_pictures_whatever_the_phases_and_the_gray_is_even():
    pictures = np.random.default_rng(0).integers(0, 256, (30, 9, 7, 2))
    parameterization = phase_of(pictures, np.eye(2, dtype=np.float32))
    plane = parameterization.plane(parameterization.start(jax.random.key(3)))
    found = np.abs(np.fft.rfft2(plane, axes=(0, 1)))[:, 1:]  # the first column's phases bind each other
    ratio = found / np.asarray(parameterization.magnitude)[:, 1:]
    np.testing.assert_allclose(ratio, ratio.mean(), rtol=1e-3)
    assert parameterization.magnitude[0, 0].sum() == 0 and abs(plane.mean()) < 1e-5


def test_colors_decorrelate_the_pictures_that_they_are_of():
    generator = np.random.default_rng(0)
    pictures = generator.normal(size=(10, 8, 8, 3)) @ generator.normal(size=(3, 3)) + 100
    color = colors_of(pictures)
    free = (pictures.reshape(-1, 3) - pictures.mean(axis=(0, 1, 2))) @ np.linalg.inv(color).T
    covariance = np.cov(free, rowvar=False)
    np.testing.assert_allclose(covariance, np.eye(3) * covariance[0, 0], atol=1e-4 * covariance[0, 0])
    assert np.linalg.norm(color, axis=0).max() == pytest.approx(1)
    assert colors_of(np.full((2, 4, 4, 1), 7)).shape == (1, 1)


def test_a_framed_picture_is_the_inner_one_in_gray():
    inner = Pixels((3, 2, 1), 0.5)
    framed, numbers = Framed(inner, (1, 4), (6, 7, 1)), inner.start(jax.random.key(0))
    picture = np.array(framed.render(numbers))
    np.testing.assert_array_equal(framed.start(jax.random.key(0)), numbers)
    np.testing.assert_array_equal(picture[1:4, 4:6], inner.render(numbers))
    picture[1:4, 4:6] = 127.5
    assert picture.shape == (6, 7, 1) and (picture == 127.5).all()
    assert np.abs(framed.project(100 * numbers)).max() == 1
