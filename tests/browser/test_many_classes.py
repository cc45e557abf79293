"""A map of a hundred classes: the legend scrolls, is searched, points classes out, and isolates as it does with ten."""

from __future__ import annotations

import pytest
import torch
from playwright.sync_api import expect
from read_screen import MAP, background, differs, live, same
from safetensors.torch import load_file, save_file

from vae_core.model_files.header import METADATA_KEY, load_header

CLASSES = [f"species {number:02} of a long-named family" if number % 9 == 0 else f"species {number:02}" for number in range(100)]


def with_classes(path, names):
    """The model file with so many classes, its points spread evenly over them."""
    header = load_header(path)
    header = header.model_copy(update={"data": header.data.model_copy(update={"classes": tuple(names), "title": "Species"})})
    tensors = load_file(path)
    tensors["latents.labels"] = torch.arange(len(tensors["latents.labels"])) % len(names)
    save_file(tensors, path, metadata={METADATA_KEY: header.model_dump_json()})


@pytest.fixture
def legend(server, make_model, page):
    path = make_model(server.folder / "checkpoints" / "species.safetensors", points=1000)
    with_classes(path, CLASSES)
    page.goto(f"{server().url}/?model=species&z=0,0,0,0")
    live(page)
    background(page)
    return page.get_by_role("group", name="classes shown")


def test_a_hundred_classes_are_named_scrolled_searched_and_isolated(legend, page):
    buttons, shown = legend.locator(".lw-class"), legend.locator(".lw-class[aria-pressed=true]")
    expect(buttons).to_have_count(100)
    expect(legend.get_by_role("status")).to_have_text("100 classes")
    sizes = "(list) => [list.clientHeight, list.scrollHeight, list.scrollWidth - list.clientWidth]"
    height, whole, aside = legend.locator(".lw-class-list").evaluate(sizes)
    assert height < 130 and whole > 2 * height and aside <= 0, "it scrolls, and only upright"
    colours = buttons.locator("i").evaluate_all("(dots) => dots.map((dot) => getComputedStyle(dot).backgroundColor)")
    assert len(set(colours)) == 100
    last = buttons.last
    last.scroll_into_view_if_needed()
    expect(last).to_be_in_viewport()
    last.dblclick()
    expect(shown).to_have_text([CLASSES[-1]])
    legend.get_by_role("button", name="show all classes").click()
    expect(shown).to_have_count(100)
    search = legend.get_by_label("find a class")
    search.fill("SPECIES 4")
    expect(legend.locator(".lw-class:visible")).to_have_count(10)
    expect(legend.get_by_role("status")).to_have_text("10 of 100")
    search.press("Enter")
    expect(shown).to_have_count(10)
    search.press("Escape")
    expect(legend.locator(".lw-class:visible")).to_have_count(100)
    search.fill("no such thing")
    expect(legend.get_by_role("status")).to_have_text("no class is called so")
    search.press("Enter")
    expect(shown).to_have_count(10)


def test_the_pointer_on_a_class_makes_the_others_pale_until_it_leaves(legend, page):
    before = page.evaluate(MAP)
    legend.locator(".lw-class").nth(3).hover()
    pointed = differs(page, MAP, before)
    page.mouse.move(5, 5)
    differs(page, MAP, pointed)
    same(page, MAP, before)
