"""Paths through a real (untrained) decoder, and the files they are saved as."""

import io

import numpy as np
import pytest
from PIL import Image

from vae_core.errors import LatentError
from vae_core.images import export_formats
from vae_core.images.pixels import GAP
from vae_core.latent import paths
from vae_core.latent.latent_model import open_model
from vae_core.latent.paths import path_through


@pytest.fixture(scope="module")
def model(tmp_path_factory, make_model):
    return open_model(make_model(tmp_path_factory.mktemp("m") / "m.safetensors", latent_dim=3), device="cpu")


STOPS = np.array([[0, 0, 0], [2, 0, 1], [-1, 2, 0]], dtype=np.float32)


@pytest.mark.parametrize("kind", ["linear", "spherical", "geodesic"])
def test_a_path_passes_through_every_stop_with_as_many_steps_as_asked(model, kind):
    found = path_through(model, STOPS, kind=kind, count=11)
    assert found.z.shape == (11, 3) and found.pictures.shape == (11, 28, 28, 1) and found.changes.shape == (10,)
    np.testing.assert_allclose(found.z[[0, 5, 10]], STOPS, atol=1e-5)
    assert np.abs(found.pictures[5].astype(int) - model.decode(STOPS[1:2])[0]).max() <= 1


def test_a_geodesic_changes_the_picture_less_than_a_straight_line_and_more_evenly(model):
    ends = np.array([[-2.5, -2, 1], [2.5, 2, -1]], dtype=np.float32)
    straight, shortest = (path_through(model, ends, kind=kind, count=16).changes for kind in ("linear", "geodesic"))
    assert (shortest**2).sum() < 0.98 * (straight**2).sum()
    assert shortest.std() / shortest.mean() < 0.6 * straight.std() / straight.mean()


def test_equal_steps_change_the_picture_evenly(model):
    ends = np.array([[-3, -3, 0], [0.5, 3, 0]], dtype=np.float32)
    plain, even = (path_through(model, ends, count=12, even=even).changes for even in (False, True))
    assert even.std() / even.mean() < 0.35 * plain.std() / plain.mean()


def test_pictures_can_be_smaller_and_the_changes_are_those_of_full_size(model):
    whole, small = (path_through(model, STOPS, count=9, side=side) for side in (0, 7))
    assert small.pictures.shape == (9, 7, 7, 1)
    np.testing.assert_array_equal(small.changes, whole.changes)
    averaged = whole.pictures.reshape(9, 7, 4, 7, 4, 1).mean(axis=(2, 4))
    assert np.abs(small.pictures - averaged).max() <= 1


def test_a_path_of_many_large_pictures_is_the_same_a_few_at_a_time(model, monkeypatch):
    whole = path_through(model, STOPS, count=40, even=True)
    monkeypatch.setattr(paths, "PASS", 7 * 28 * 28)
    parts = path_through(model, STOPS, count=40, even=True)
    np.testing.assert_allclose(parts.z, whole.z, atol=1e-4)
    np.testing.assert_allclose(parts.changes, whole.changes, atol=1e-4)


@pytest.mark.parametrize("kind", ["linear", "geodesic"])
def test_a_path_ends_when_nobody_waits_any_more(model, kind):
    class GoneError(Exception):
        pass

    asked = []

    def stop_check():
        asked.append(1)
        if len(asked) == 2:
            raise GoneError

    with pytest.raises(GoneError):
        path_through(model, STOPS, kind=kind, count=120, even=True, stop_check=stop_check)
    assert len(asked) == 2


@pytest.mark.parametrize(
    ("stops", "options", "sentence"),
    [
        (STOPS, {"kind": "scenic"}, "choose from linear, spherical, geodesic"),
        (STOPS[:1], {}, "2 to 12 points; got 1"),
        (STOPS, {"count": 2}, "3 to 240 steps; got 2"),
        (STOPS[:, :2], {}, "must have 3 numbers"),
    ],
)
def test_an_impossible_walk_is_refused(model, stops, options, sentence):
    with pytest.raises(LatentError, match=sentence):
        path_through(model, stops, **options)


@pytest.fixture(scope="module")
def pictures():
    return np.random.default_rng(0).integers(0, 256, (7, 14, 12, 3), dtype=np.uint8)


def test_a_gif_goes_there_and_back(pictures):
    film = Image.open(io.BytesIO(export_formats.gif(pictures)))
    assert film.n_frames == 12 and film.size[0] >= 200


@pytest.mark.parametrize(("count", "seconds"), [(2, 3.0), (11, 2.97), (61, 3.05), (181, 3.62), (240, 4.8)])
def test_a_path_takes_the_same_time_as_gif_and_as_mp4(count, seconds):
    import av

    still = np.zeros((count, 8, 8, 1), np.uint8)
    still[:, 0, 0, 0] = np.arange(count)  # equal pictures would be one in a GIF
    film = Image.open(io.BytesIO(export_formats.gif(still)))
    shown = []
    for index in range(count):
        film.seek(index)
        shown.append(film.info["duration"])
    assert sum(shown) / 1000 == pytest.approx(seconds, abs=0.02)
    with av.open(io.BytesIO(export_formats.mp4(still))) as container:
        assert container.duration / 1e6 == pytest.approx(seconds, abs=0.02)


def test_many_large_pictures_are_enlarged_less():
    assert export_formats._times(np.zeros((10, 28, 28, 1), np.uint8), 280) == 10
    assert export_formats._times(np.zeros((1024, 28, 28, 1), np.uint8), 280) == 7
    assert export_formats._times(np.zeros((700, 256, 256, 1), np.uint8), 280) == 1


def test_an_mp4_has_every_picture(pictures):
    import av

    with av.open(io.BytesIO(export_formats.mp4(pictures))) as film:
        frames = [frame.to_ndarray(format="rgb24") for frame in film.decode(video=0)]
    assert len(frames) == 7
    means = [picture.mean() for picture in pictures]
    np.testing.assert_allclose([frame.mean() for frame in frames], means, atol=8)


def test_a_sheet_shows_the_pictures_in_rows(pictures):
    page = np.asarray(Image.open(io.BytesIO(export_formats.sheet(pictures, columns=4))))
    assert page.shape == (2 * 14 + GAP, 4 * 12 + 3 * GAP, 3)
    np.testing.assert_array_equal(page[14 + GAP :, :12], pictures[4])
    grey = np.asarray(Image.open(io.BytesIO(export_formats.sheet(pictures[..., :1]))))
    np.testing.assert_array_equal(grey[:14, :12], pictures[0, ..., 0])


def test_an_npz_gives_back_what_went_in(pictures):
    with np.load(io.BytesIO(export_formats.npz(np.ones((7, 3), np.float32), pictures))) as file:
        np.testing.assert_array_equal(file["pictures"], pictures)
        assert file["z"].shape == (7, 3)
