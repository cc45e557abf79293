"""Colours of classes: how far they are apart, what they are seen on, and that a further class changes none before it."""

import colorsys

import pytest

COLOURS, CLOUD = "explorer/map/class_colours.js", "explorer/map/draw_points.js"
WHITE, DARK, BLACK = (255, 255, 255), (23, 26, 33), (0, 0, 0)


def colours(js, count):
    return js(COLOURS, "(m, count) => Array.from({length: count}, (_, label) => m.classColour(label))", count)


def closest(js, count, apart=None):
    """The smallest distance in OKLab between two of so many colours; `apart`: only of those at most so many places apart."""
    script = """(m, count, apart) => {
      let least = Infinity;
      for (let i = 0; i < count; i += 1) {
        for (let j = Math.max(0, i - apart); j < i; j += 1) {
          least = Math.min(least, m.distance(m.classColour(i), m.classColour(j)));
        }
      }
      return least;
    }"""
    return js(COLOURS, script, count, apart or count)


def contrast(one, other):
    """Of WCAG 2.2, from 1 to 21."""

    def luminance(rgb):
        linear = [value / 255 / 12.92 if value <= 10 else ((value / 255 + 0.055) / 1.055) ** 2.4 for value in rgb]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    dark, light = sorted((luminance(one), luminance(other)))
    return (light + 0.05) / (dark + 0.05)


def rgb(colour):
    return tuple(int(colour[at : at + 2], 16) for at in (1, 3, 5))


# 0.02 is a difference that is just seen side by side. The measured figures are 0.085, 0.074, 0.055 and 0.039.
@pytest.mark.parametrize(("count", "least"), [(30, 0.08), (47, 0.07), (100, 0.05), (256, 0.035)])
def test_no_two_classes_look_alike(js, count, least):
    assert len({colour.lower() for colour in colours(js, count)}) == count
    assert closest(js, count) > least


def test_classes_that_stand_beside_each_other_in_the_legend_are_farther_apart(js):
    assert closest(js, 100, apart=4) > 0.085


def test_every_colour_is_seen_on_white_on_the_dark_theme_and_on_the_map(js):
    for colour in colours(js, 256):
        on_white, on_dark, on_black = (contrast(rgb(colour), ground) for ground in (WHITE, DARK, BLACK))
        assert on_white > 1.7 and on_dark > 2.4 and on_black > 3, colour


def test_the_first_ten_are_as_they_were_and_more_classes_change_none_before(js):
    first = colours(js, 10)
    assert first[:3] == ["#4477AA", "#EE6677", "#228833"] and colours(js, 100)[:10] == first
    assert colours(js, 300)[256:266] == first, "after so many they begin again"


def test_further_colours_are_no_shades_of_grey(js):
    assert all(colorsys.rgb_to_hsv(*rgb(colour))[1] > 0.08 for colour in colours(js, 60)[10:])


def test_a_class_that_is_pointed_out_is_drawn_over_the_others_which_are_pale(js):
    script = """(m) => {
      const labels = Uint16Array.from([0, 299, 1]);
      const cloud = new m.Points(Float32Array.from([0, 0, 0, 0, 3, 0]), labels, 2); // the first two at one place
      cloud.project({origin: [0, 0], u: [1, 0], v: [0, 1]});
      const drawn = () => {
        const words = new Uint32Array(40 * 20);
        cloud.draw(words, 40, 20, {ax: 10, bx: 6, ay: 10, by: 6}, 2);
        return [words[10 * 40 + 10], words[10 * 40 + 28]].map((word) => [word >>> 24, word & 0xffffff]);
      };
      const before = drawn();
      cloud.pointedOut = 0;
      const pointed = drawn();
      cloud.pointedOut = null;
      return {before, pointed, after: drawn()};
    }"""
    found = js(CLOUD, script)
    (over, other), (pointed, pale) = found["before"], found["pointed"]
    assert found["after"] == found["before"] and over[0] == other[0] == 0xE0
    assert pointed[1] == 0xAA7744 != over[1], "the class 0, though another was drawn later at this place"
    assert pointed[0] == 0xFF and pale == [0x38, other[1]]
