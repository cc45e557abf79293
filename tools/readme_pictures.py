"""Makes the README's pictures from the running app: `python -m tools.readme_pictures [--folder docs] [--epochs 6]`.

Starts a server of its own with the shipped models, drags a slider and walks over the map in Chromium for the animation,
photographs the pages in the light and the dark theme, and trains one small model for the picture of the Train page. Needs the
MNIST files (VAE_DATA).
"""

from __future__ import annotations

import argparse
import io
import math
import os
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

from PIL import Image, ImageDraw
from playwright.sync_api import Browser, Page, sync_playwright

from tools import browser, check_running_app, start_app
from vae_core import runs
from vae_core.config.schema import train_config
from vae_core.data.stored_images import available
from vae_core.runs.metrics_log import read_since

ROOT = Path(__file__).parents[1]
SIZE = {"width": 1280, "height": 720}
SLIDER_FRAMES, MAP_FRAMES, FRAME_MS, WIDTH = 24, 40, 70, 760  # the animation: pictures, milliseconds each, pixels across
MODEL = "mnist-10d"
Theme = Literal["light", "dark"]


def main() -> None:
    """Make all pictures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--folder", type=Path, default=ROOT / "docs")
    parser.add_argument("--model", default=MODEL)
    parser.add_argument("--epochs", type=int, default=6, help="of the run on the Train page's picture")
    options = parser.parse_args()
    if not available("mnist"):
        raise SystemExit("The MNIST files are not here: set VAE_DATA to the folder that holds MNIST/raw, then run this again.")
    options.folder.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as folder, _server(Path(folder)) as url, sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=browser.find(), args=["--no-sandbox"])
        with _tab(chromium, "light") as page:
            _open(page, f"{url}/?model={options.model}")
            _pin_two(page)
            _save_animation(_drag(page) + _walk(page), options.folder / "walk.webp")
        with _tab(chromium, "dark") as page:
            _open(page, f"{url}/?model={options.model}")
            page.screenshot(path=options.folder / "explore-dark.png")
        with _tab(chromium, "light") as page:
            _encode(page, url, options.folder / "encode.png")
            _train(page, url, Path(folder), options.epochs, options.folder / "train.png")
        chromium.close()
    for path in sorted(options.folder.iterdir()):
        print(f"{path.name}: {path.stat().st_size / 1000:.0f} kB")


@contextmanager
def _server(runs_folder: Path) -> Iterator[str]:
    port = _free_port()
    environment = {**os.environ, "VAE_RUNS": str(runs_folder)}
    argv = start_app.command("localhost", str(port))
    process = subprocess.Popen(argv, cwd=ROOT, env=environment, stdout=subprocess.DEVNULL)
    try:
        url = f"http://localhost:{port}"
        check_running_app.wait_for_health(url)
        yield url
    finally:
        process.terminate()
        process.wait(timeout=30)


def _free_port() -> int:
    with socket.socket() as one:
        one.bind(("localhost", 0))
        return int(one.getsockname()[1])


@contextmanager
def _tab(chromium: Browser, theme: Theme) -> Iterator[Page]:
    context = chromium.new_context(viewport=SIZE, color_scheme=theme)  # type: ignore[arg-type]
    context.set_default_timeout(60_000)
    context.add_init_script("localStorage.setItem('latent-walk.guide', 'seen')")
    yield context.new_page()
    context.close()


def _open(page: Page, url: str) -> None:
    page.goto(url)
    page.wait_for_selector("canvas[data-testid=decoded][data-seq]")
    _settle(page)


def _settle(page: Page) -> None:
    """Until Streamlit has finished its script and the fonts are there."""
    page.wait_for_selector("[data-testid=stApp][data-test-script-state=notRunning]")
    page.evaluate("document.fonts.ready.then(() => true)")
    page.wait_for_timeout(700)  # transitions have no event of their own


POINTER = """() => {
  const arrow = document.createElement("div");
  arrow.innerHTML = '<svg width="26" height="26" viewBox="0 0 24 24"><path d="M5 2l14 12-7 1 4 7-3 1-4-7-4 5z" \
fill="#111" stroke="#fff" stroke-width="1.5"/></svg>';
  arrow.style.cssText = "position:fixed;z-index:1000000;pointer-events:none;left:-99px;top:-99px";
  document.body.append(arrow);
  const follow = (event) => Object.assign(arrow.style, { left: `${event.clientX - 5}px`, top: `${event.clientY - 2}px` });
  addEventListener("pointermove", follow, { capture: true });
}"""  # a headless browser draws no pointer


def _pin_two(page: Page) -> None:
    """Two test images in the tray and the path between them."""
    for key in ("t", "p", "t", "p", "o"):
        page.keyboard.press(key)
        page.wait_for_selector(".lw-explorer[data-kept=true]")
        page.wait_for_timeout(1000)
    page.evaluate(POINTER)


def _drag(page: Page) -> list[Image.Image]:
    """One slow swing of the first slider, a picture at each step, ending where it began."""
    box = page.locator("input[type=range][aria-label^=z]").first.bounding_box()
    assert box is not None
    y, middle, reach = box["y"] + box["height"] / 2, box["x"] + box["width"] / 2, 0.45 * box["width"]
    page.mouse.move(middle, y)
    page.mouse.down()
    turns = (2 * math.pi * frame / SLIDER_FRAMES for frame in range(1, SLIDER_FRAMES + 1))
    frames = [_moved(page, middle + reach * math.sin(turn) + 0.5, y) for turn in turns]
    page.mouse.up()
    page.wait_for_timeout(1000)
    return frames


def _walk(page: Page) -> list[Image.Image]:
    """Once around the map: the pointer only hovers, and the picture follows."""
    box = page.locator("[data-testid=map]").bounding_box()
    assert box is not None
    x, y, reach = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2, 0.36 * box["width"]
    turns = (2 * math.pi * frame / MAP_FRAMES for frame in range(MAP_FRAMES))
    return [_moved(page, x + reach * math.cos(turn), y - reach * math.sin(turn)) for turn in turns]


def _moved(page: Page, x: float, y: float) -> Image.Image:
    """The page once the picture has followed the pointer."""
    painted = page.locator("canvas[data-testid=decoded]").get_attribute("data-seq")
    page.mouse.move(x, y)
    page.wait_for_function("seq => document.querySelector('[data-testid=decoded]').dataset.seq !== seq", arg=painted)
    page.wait_for_timeout(60)  # the cross on the map follows a frame later
    return Image.open(io.BytesIO(page.screenshot())).convert("RGB")


def _save_animation(frames: list[Image.Image], path: Path) -> None:
    height = round(WIDTH * SIZE["height"] / SIZE["width"])
    small = [frame.resize((WIDTH, height), Image.Resampling.LANCZOS) for frame in frames]
    small[0].save(path, save_all=True, append_images=small[1:], duration=FRAME_MS, loop=0, quality=60, method=6)


def _encode(page: Page, url: str, path: Path) -> None:
    """A digit drawn with a dark pen on a sheet of paper, uploaded."""
    page.goto(f"{url}/encode")
    _settle(page)
    page.set_input_files("input[type=file]", {"name": "five.png", "mimeType": "image/png", "buffer": _drawing()})
    page.get_by_text("Explore from here").wait_for()
    _settle(page)
    page.screenshot(path=path)


def _drawing() -> bytes:
    """A five by hand, 300x380, as PNG."""
    sheet = Image.new("RGB", (300, 380), "#f3efe4")
    pen, ink = ImageDraw.Draw(sheet), "#20242c"
    bowl = [(150 + 72 * math.cos(angle), 245 + 62 * math.sin(angle)) for angle in (math.radians(a) for a in range(-125, 150, 5))]
    strokes = [(205, 90), (122, 96), (111, 196), *bowl]
    pen.line(strokes, fill=ink, width=18, joint="curve")
    for x, y in (strokes[0], strokes[-1]):
        pen.ellipse((x - 9, y - 9, x + 9, y + 9), fill=ink)
    out = io.BytesIO()
    sheet.save(out, "PNG")
    return out.getvalue()


def _train(page: Page, url: str, root: Path, epochs: int, path: Path) -> None:
    """A run photographed when it is two thirds through."""
    os.environ["VAE_RUNS"] = str(root)
    model = {"architecture": "mlp", "latent_dim": 10}
    run_id = runs.start(train_config(data={"limit": 20_000}, model=model, epochs=epochs), "digits")
    try:
        page.goto(f"{url}/train")
        _wait_for_epoch(root / run_id, epochs * 2 / 3)
        page.wait_for_timeout(2500)
        page.screenshot(path=path)
    finally:
        runs.stop(run_id)
        _wait_for_end(run_id)


def _wait_for_epoch(run_dir: Path, epoch: float, patience: float = 400) -> None:
    end = time.monotonic() + patience
    while time.monotonic() < end:
        metrics = run_dir / "metrics.jsonl"
        rows = read_since(metrics, 0)[0] if metrics.exists() else []
        if rows and rows[-1]["epoch"] >= epoch:
            return
        time.sleep(0.5)
    raise TimeoutError(f"the run did not reach epoch {epoch:g} within {patience:g} s")


def _wait_for_end(run_id: str, patience: float = 120) -> None:
    """Its folder is removed after this, so no process may still write into it."""
    end = time.monotonic() + patience
    while runs.status(run_id).live and time.monotonic() < end:
        time.sleep(0.2)


if __name__ == "__main__":
    main()
