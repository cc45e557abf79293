"""The pixel border: every format a person may bring, every step, and x back to pixels."""

import io

import numpy as np
import pytest
from image_files import AS_IN_PRODUCTION, COLOUR, FASHION, GREY, MNIST, arrow, as_file, names, one
from PIL import Image

from vae_core import images
from vae_core.errors import ImageError
from vae_core.images import UploadOptions, read_upload
from vae_core.images.detect_ink import PREVIEW


@pytest.mark.parametrize(
    ("kind", "options"),
    [("PNG", {}), ("JPEG", {"quality": 95}), ("WEBP", {"lossless": True}), ("GIF", {}), ("BMP", {}), ("TIFF", {})],
)
def test_every_promised_format_gives_the_same_input(kind, options):
    upload = read_upload(as_file(arrow(56, 56), kind, **options), **GREY)
    reference = np.full((28, 28), 40 / 255)
    reference[:7, :14] = 250 / 255
    assert upload.x.shape == (1, 28, 28) and upload.x.dtype == np.float32
    assert np.abs(upload.x[0] - reference).mean() < 0.02
    assert upload.steps[0].detail == f"{kind}, 56 × 56"


def test_a_test_image_saved_as_png_comes_back_exactly_even_for_a_digit_model():
    rng = np.random.default_rng(0)
    pixels = np.zeros((28, 28), np.uint8)
    pixels[4:24, 8:20] = rng.integers(1, 255, (20, 12))
    pixels[10, 10] = 254
    upload = read_upload(as_file(pixels), **MNIST)
    assert np.array_equal(upload.x[0], pixels.astype(np.float32) / 255)
    assert names(upload) == ["file"] and upload.proposal.invert == "no"


def test_colour_of_the_right_size_comes_back_exactly():
    pixels = np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8)
    upload = read_upload(as_file(pixels), **COLOUR)
    assert np.array_equal(upload.x, pixels.transpose(2, 0, 1).astype(np.float32) / 255)


def test_only_the_first_frame_of_an_animation_is_read():
    frames = [Image.fromarray(np.full((28, 28), value, np.uint8)) for value in (200, 10, 10)]
    for kind in ("GIF", "WEBP"):
        data = as_file(frames[0], kind, save_all=True, append_images=frames[1:], lossless=True)
        assert read_upload(data, **GREY).x.mean() == pytest.approx(200 / 255, abs=0.01)


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("kind", ["JPEG", "PNG", "TIFF", "WEBP"])
def test_exif_rotation_puts_every_orientation_upright(kind, orientation):
    upright = Image.fromarray(arrow(56, 56))
    stored = {  # how a camera held that way stores it: the inverse of what EXIF tells the viewer to do
        1: None,
        2: Image.Transpose.FLIP_LEFT_RIGHT,
        3: Image.Transpose.ROTATE_180,
        4: Image.Transpose.FLIP_TOP_BOTTOM,
        5: Image.Transpose.TRANSPOSE,
        6: Image.Transpose.ROTATE_90,
        7: Image.Transpose.TRANSVERSE,
        8: Image.Transpose.ROTATE_270,
    }[orientation]
    exif = Image.Exif()
    exif[0x0112] = orientation
    raw = upright if stored is None else upright.transpose(stored)
    data = as_file(raw.convert("RGB"), kind, exif=exif)
    upload = read_upload(data, **GREY)
    assert upload.x[0, 3, 5] > 0.9 and upload.x[0, 24, 5] < 0.3 and upload.x[0, 3, 24] < 0.3
    assert ("turned" in names(upload)) == (orientation != 1)
    as_stored = read_upload(data, **GREY, options=UploadOptions(rotate="0")).x[0]
    assert np.abs(as_stored - np.asarray(raw.resize((28, 28))) / 255).mean() < 0.03, "0 means: as the file holds it"


@pytest.mark.parametrize(("angle", "corner"), [("90", (3, 24)), ("180", (24, 24)), ("270", (24, 3))])
def test_turning_by_hand_is_clockwise(angle, corner):
    pixels = np.full((28, 28), 40, np.uint8)
    pixels[:8, :8] = 250
    upload = read_upload(as_file(pixels), **GREY, options=UploadOptions(rotate=angle))
    assert upload.x[0][corner] > 0.9 and upload.x[0, 3, 3] < 0.3
    assert upload.steps[1].name == "turned" and angle in upload.steps[1].detail


@AS_IN_PRODUCTION
def test_a_damaged_exif_block_does_not_cost_the_picture():
    data = as_file(Image.fromarray(arrow(28, 28)), "JPEG", exif=b"Exif\0\0II*\0\xff\xff\xff\xff garbage")
    assert read_upload(data, **GREY).x[0, 2, 5] > 0.9


def test_sixteen_bit_grey_is_scaled_and_not_clipped():
    ramp = np.linspace(0, 65535, 28 * 28).reshape(28, 28).astype(np.uint16)
    for kind in ("PNG", "TIFF"):
        upload = read_upload(as_file(ramp, kind), **GREY)
        assert np.abs(upload.x[0] - ramp / 65535).max() < 0.005
        assert "8 bits" in names(upload)
        half = read_upload(as_file(ramp // 2, kind), **GREY)
        assert half.x.max() == pytest.approx(0.5, abs=0.005), "a dark picture stays dark"


def test_float_and_32_bit_tiffs_are_scaled_by_what_they_hold():
    ramp = np.linspace(0, 1, 28 * 28).reshape(28, 28)
    for pixels in (ramp.astype(np.float32), (ramp * 1000 - 500).astype(np.float32), (ramp * 1e6).astype(np.int32)):
        assert np.abs(read_upload(as_file(pixels, "TIFF"), **GREY).x[0] - ramp).max() < 0.005
    hurt = ramp.astype(np.float32)
    hurt[0, 0], hurt[0, 1] = np.nan, np.inf
    assert np.isfinite(read_upload(as_file(hurt, "TIFF"), **GREY).x).all()


def test_dark_ink_on_transparency_is_laid_on_white_and_light_ink_on_black():
    for ink, paper in ((20, "white"), (235, "black")):
        pixels = np.zeros((28, 28, 4), np.uint8)
        pixels[10:18, 12:16] = (ink, ink, ink, 255)
        upload = read_upload(as_file(pixels), **GREY)
        assert upload.proposal.background == paper and f"on {paper}" in names(upload)
        assert upload.x[0, 0, 0] == (paper == "white") and upload.x[0, 14, 14] == pytest.approx(ink / 255)


def test_the_background_can_be_changed_and_half_transparent_pixels_mix():
    pixels = np.full((28, 28, 4), (255, 255, 255, 51), np.uint8)
    assert read_upload(as_file(pixels), **GREY, options=UploadOptions(background="black")).x.max() == pytest.approx(0.2, abs=0.01)
    assert read_upload(as_file(pixels), **GREY, options=UploadOptions(background="white")).x.min() == 1


def test_a_wholly_transparent_picture_is_paper_and_nothing_breaks():
    upload = read_upload(as_file(np.zeros((50, 50, 4), np.uint8)), **MNIST)
    assert upload.x.max() == 0 and names(upload)[-2:] == ["no ink", "28 × 28"]


def test_palettes_bilevel_and_print_colours_are_dissolved():
    colourful = Image.fromarray(np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8))
    palette = colourful.quantize(64)
    expected = np.asarray(palette.convert("RGB")).transpose(2, 0, 1) / 255
    assert np.allclose(read_upload(as_file(palette), **COLOUR).x, expected, atol=1e-6)
    transparent = as_file(palette, transparency=0)
    assert any(name.startswith("on ") for name in names(read_upload(transparent, **COLOUR)))
    bilevel = Image.fromarray(arrow(28, 28) > 100)
    assert set(np.unique(read_upload(as_file(bilevel), **GREY).x)) == {0.0, 1.0}
    cmyk = read_upload(as_file(Image.new("CMYK", (64, 64), (0, 255, 255, 0)), "JPEG"), **COLOUR)
    assert cmyk.x[0].mean() > 0.9 and cmyk.x[1].mean() < 0.1


def test_grey_is_a_step_only_where_there_was_colour():
    red = np.zeros((28, 28, 3), np.uint8)
    red[..., 0] = 255
    upload = read_upload(as_file(red), **GREY)
    assert names(upload) == ["file", "grey"] and upload.x[0].mean() == pytest.approx(0.299, abs=0.01)
    assert names(read_upload(as_file(np.full((28, 28, 3), 90, np.uint8)), **GREY)) == ["file"]
    assert "colour" in names(read_upload(as_file(arrow(64, 64)), **COLOUR))


def test_dark_ink_on_paper_is_inverted_for_a_digit_model_and_light_ink_is_not():
    dark, light = read_upload(as_file(one(light=False)), **MNIST), read_upload(as_file(one(light=True)), **MNIST)
    assert dark.proposal.invert == "yes" and "inverted" in names(dark)
    assert light.proposal.invert == "no" and "inverted" not in names(light)
    assert np.abs(dark.x - light.x).max() < 0.02, "the same drawing, whichever way round"


def test_a_model_without_ink_is_never_inverted_unasked():
    assert read_upload(as_file(one(light=False)), **GREY).proposal.invert == "no"
    asked = read_upload(as_file(one(light=False)), **GREY, options=UploadOptions(invert="yes"))
    assert asked.proposal.invert == "yes" and asked.x[0, 0, 0] == 0


def test_inversion_can_be_refused():
    upload = read_upload(as_file(one(light=False)), **MNIST, options=UploadOptions(invert="no", fit="stretch"))
    assert "inverted" not in names(upload) and upload.x[0, 0, 0] > 0.95


def test_digits_are_fitted_into_20_pixels_and_centred_by_mass():
    pixels = np.zeros((300, 200), np.uint8)
    pixels[40:240, 30:60] = 255  # a stroke of 200 pixels
    pixels[210:240, 30:130] = 255  # with a foot to the right: its mass lies lower left of its box's middle
    x = read_upload(as_file(pixels), **MNIST).x[0]
    rows, columns = np.flatnonzero(x.max(1) > 0.1), np.flatnonzero(x.max(0) > 0.1)
    assert rows[-1] - rows[0] + 1 == 20 and columns[-1] - columns[0] + 1 == 10
    centres = np.arange(28) + 0.5
    assert (x.sum(1) @ centres) / x.sum() == pytest.approx(14, abs=0.51)
    assert (x.sum(0) @ centres) / x.sum() == pytest.approx(14, abs=0.51)


def test_clothes_fill_the_picture():
    pixels = np.full((300, 300), 255, np.uint8)
    pixels[100:200, 120:160] = 90
    x = read_upload(as_file(pixels), **FASHION).x[0]
    rows, columns = np.flatnonzero(x.max(1) > 0.1), np.flatnonzero(x.max(0) > 0.1)
    assert rows[-1] - rows[0] + 1 == 28 and columns.tolist() == list(range(8, 19))[: len(columns)] and 10 <= len(columns) <= 12


def test_a_photograph_of_pencil_on_grey_uneven_paper_becomes_clean_ink():
    rng = np.random.default_rng(1)
    light = np.linspace(150, 190, 400)[:, None] + np.linspace(0, 15, 300)[None] + rng.normal(0, 3, (400, 300))
    light[100:300, 140:152] = 80 + rng.normal(0, 3, (200, 12))
    upload = read_upload(as_file(light.clip(0, 255).astype(np.uint8), "JPEG"), **MNIST)
    x = upload.x[0]
    assert upload.proposal.levels == "yes" and "levelled" in names(upload)
    assert x.max() > 0.95, "the stroke is white"
    assert x[:, :8].max() < 0.15 and x[:, 20:].max() < 0.15, "the paper is black"
    assert np.flatnonzero(x.max(1) > 0.5).size >= 18, "and the stroke is as tall as a digit"


def test_a_clean_picture_is_not_levelled():
    assert read_upload(as_file(one(light=False)), **MNIST).proposal.levels == "no"


def test_levels_on_a_light_background_stretch_the_whole_range():
    pixels = np.full((28, 28), 200, np.uint8)
    pixels[10:14, 10:14] = 100
    x = read_upload(as_file(pixels), **GREY, options=UploadOptions(levels="yes")).x
    assert x.min() == 0 and x.max() == 1


def test_a_thin_pen_stays_visible():
    pixels = np.full((600, 600), 255, np.uint8)
    pixels[100:500, 300:304] = 0
    pixels[300:304, 100:500] = 0
    assert read_upload(as_file(pixels), **MNIST).x.max() > 0.95
    faint = read_upload(as_file(pixels), **MNIST, options=UploadOptions(levels="no")).x.max()
    assert faint < 0.6, "which it would not, averaged down and left alone"


def test_ink_that_runs_over_the_border_is_not_taken_for_paper():
    pixels = np.full((200, 200), 180, np.uint8)
    pixels[:, 80:120] = 60  # a thick stroke from edge to edge: a tenth of the border is ink
    x = read_upload(as_file(pixels), **MNIST, options=UploadOptions(fit="stretch")).x[0]
    assert x[:, 13].min() > 0.95 and x[:, 3].max() < 0.05


def test_the_fits_do_what_their_names_say():
    pixels = arrow(112, 56)
    crop = read_upload(as_file(pixels), **GREY, options=UploadOptions(fit="centre crop")).x[0]
    pad = read_upload(as_file(pixels), **GREY, options=UploadOptions(fit="pad")).x[0]
    stretch = read_upload(as_file(pixels), **GREY, options=UploadOptions(fit="stretch")).x[0]
    assert crop[3, 3] > 0.9 and crop[3, 20] < 0.2, "the middle half: bright up to its middle"
    assert pad[0, 0] == pytest.approx(pad[27, 27]) and pad[8, 3] > 0.9, "bands above and below in the edge's colour"
    assert stretch[3, 12] > 0.9 and stretch[3, 16] < 0.2


def test_auto_fit_crops_a_colour_picture_to_its_middle_only_if_the_shape_differs():
    wide = np.zeros((64, 200, 3), np.uint8)
    assert read_upload(as_file(wide), **COLOUR).proposal.fit == "centre crop"
    assert read_upload(as_file(wide[:, :64].repeat(2, 0).repeat(2, 1)), **COLOUR).proposal.fit == "stretch"


@pytest.mark.parametrize("fit", images.choices()["fit"])
@pytest.mark.parametrize(("width", "height"), [(1, 1), (20000, 10), (10, 20000), (1, 300), (2, 2), (3, 28)])
@pytest.mark.parametrize("model", [MNIST, COLOUR], ids=["digits", "colour"])
def test_extreme_shapes_give_a_picture_with_every_fit(model, width, height, fit):
    pixels = np.full((height, width), 255, np.uint8)
    pixels[: max(1, height // 2), : max(1, width // 2)] = 0
    upload = read_upload(as_file(pixels), **model, options=UploadOptions(fit=fit))
    assert upload.x.shape == (model["channels"], model["height"], model["width"])
    assert np.isfinite(upload.x).all() and upload.x.min() >= 0 and upload.x.max() <= 1
    for step in upload.steps:
        assert max(step.preview.shape[:2]) <= PREVIEW and min(step.preview.shape[:2]) >= 1


def test_a_photograph_of_48_megapixels_is_read_in_moderate_time_and_memory():
    photo = Image.new("L", (8000, 6000), 255)
    photo.paste(0, (2000, 1000, 2600, 5000))
    for kind in ("JPEG", "PNG"):
        upload = read_upload(as_file(photo, kind), **MNIST)
        assert "8000 × 6000" in upload.steps[0].detail and upload.x.max() > 0.95


def test_a_picture_that_is_opened_once_gives_every_network_what_its_bytes_give():
    data = as_file(Image.new("RGBA", (1500, 1300), (200, 30, 40, 128)))
    picture = images.open_picture(data)
    before = picture.image.tobytes()
    for model in (MNIST, COLOUR, FASHION):
        for options in (UploadOptions(), UploadOptions(rotate="90", invert="yes", fit="pad")):
            assert np.array_equal(read_upload(picture, **model, options=options).x, read_upload(data, **model, options=options).x)
    assert picture.image.tobytes() == before


def test_an_unknown_choice_lists_the_allowed_ones():
    with pytest.raises(ImageError, match=r"rotate cannot be '45'; choose from auto, 0, 90, 180, 270"):
        UploadOptions(rotate="45")


def test_the_proposal_has_every_auto_decided_and_gives_the_same_input_again():
    data = as_file(one(light=False, paper=200, ink=60))
    upload = read_upload(data, **MNIST)
    decided = {name: getattr(upload.proposal, name) for name in ("invert", "levels", "fit")}
    assert "auto" not in decided.values()
    assert np.array_equal(read_upload(data, **MNIST, options=upload.proposal).x, upload.x)


def test_every_step_has_a_preview_and_the_last_one_is_the_networks_input():
    upload = read_upload(as_file(one(light=False)), **MNIST)
    assert names(upload) == ["file", "inverted", "cropped", "28 × 28"]
    last = upload.steps[-1].preview
    assert last.shape == (96, 96, 1)
    assert np.array_equal(last[np.ix_(*[((np.arange(28) + 0.5) * 96 / 28).astype(int)] * 2)][..., 0], np.rint(upload.x[0] * 255))


def test_pixels_and_floats_are_each_others_inverse():
    pixels = np.random.default_rng(0).integers(0, 256, (2, 5, 7, 3), dtype=np.uint8)
    x = images.from_uint8(pixels)
    assert x.shape == (2, 3, 5, 7) and x.max() <= 1
    assert np.array_equal(images.to_uint8(x), pixels)
    assert np.array_equal(images.to_uint8(np.array([[[-1.0, 2.0, 0.5]]])), [[[0], [255], [128]]])


@pytest.mark.parametrize("shape", [(5, 7), (5, 7, 1), (5, 7, 3)])
def test_a_png_holds_exactly_the_pixels(shape):
    pixels = np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)
    assert np.array_equal(np.asarray(Image.open(io.BytesIO(images.to_png(pixels)))).reshape(shape), pixels)
