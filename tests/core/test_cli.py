"""The command line, run as a person would: real training on a few hundred shapes, real files, errors as sentences."""

import io
import json
import os
import shlex
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from PIL import Image
from typer.testing import CliRunner, Result

from vae_core.cli import app, console
from vae_core.config.command_line_options import command_line, config_of, options
from vae_core.config.schema import train_config
from vae_core.errors import ConfigError
from vae_core.model_files.header import load_header

ROOT = Path(__file__).parents[2]
TINY = "train --data shapes --architecture mlp --hidden 16 --latent-dim 3 --limit 500 --validation 100 --epochs 1 --device cpu"


def run(words: str, *more: object) -> Result:
    return CliRunner().invoke(app, [*shlex.split(words), *(str(word) for word in more)])


def size_of(path: Path) -> tuple[int, int]:
    with Image.open(path) as picture:
        return picture.size


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Result]:
    path = tmp_path_factory.mktemp("cli") / "little.safetensors"
    return path, run(TINY, "--seed", 7, "--out", path)


@pytest.fixture(scope="module")
def model(trained: tuple[Path, Result]) -> Path:
    return trained[0]


# --- train


def test_train_writes_one_model_and_leaves_nothing_else_behind(trained):
    path, result = trained
    assert result.exit_code == 0, result.output
    assert list(path.parent.iterdir()) == [path]
    assert "best" in result.stderr and str(path) in result.stdout


def test_other_users_may_read_a_model_when_the_umask_says_so(trained):
    beside = trained[0].with_name("beside")
    beside.touch()
    try:
        assert trained[0].stat().st_mode == beside.stat().st_mode
    finally:
        beside.unlink()


def test_the_printed_command_is_kept_in_the_model_and_makes_the_same_config(trained):
    path, result = trained
    header = load_header(path)
    assert header.command in result.stdout
    words = shlex.split(header.command)
    assert words[:4] == ["python", "-m", "vae_core", "train"]
    assert command_line(header.config) == header.command
    assert header.config == train_config(
        data={"name": "shapes", "limit": 500, "validation": 100},
        model={"architecture": "mlp", "hidden": (16,), "latent_dim": 3},
        epochs=1,
        device="cpu",
        seed=7,
    )


@pytest.mark.parametrize(
    "objective",
    [
        {"kind": "beta-elbo", "beta": 0.1234567890123, "warmup": "cyclical"},
        {"kind": "beta-elbo"},
        {"kind": "iwae", "samples": 9},
        {"kind": "factor-vae"},
    ],
)
def test_every_option_survives_the_way_to_a_command_line_and_back(objective):
    config = train_config(
        data={"name": "fashion-mnist", "limit": 700},
        model={"hidden": (8, 4), "likelihood": "gaussian", "sigma": 0.25, "latent_dim": 2},
        objective=objective,
        learning_rate=3e-5,
        binarize=True,
        seed=11,
    )
    words = shlex.split(command_line(config))[4:]
    values: dict[str, object] = {}
    by_flag = {option.flag: option for option in options()}
    while words:
        option = by_flag[words.pop(0)]
        values[option.name] = True if option.kind is bool else option.kind(words.pop(0))
    assert config_of(values) == config


def test_help_shows_each_fields_own_description_default_and_choices(monkeypatch):
    monkeypatch.setenv("COLUMNS", "400")
    text = CliRunner().invoke(app, ["train", "--help"], env={"COLUMNS": "400", "TERMINAL_WIDTH": "400"}).stdout
    flat = " ".join(text.split())
    for option in options():
        assert option.flag in flat and option.help in flat, option
        assert all(choice in flat for choice in option.choices)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("train --latent-dim 0", "--latent-dim: Input should be greater than or equal to 1 (got 0)"),
        ("train --data cats", "--data: there is no dataset called 'cats'; choose from mnist, fashion-mnist, shapes, kmnist"),
        ("train --data shapes --lr-schedule up", "--lr-schedule: Input should be 'one-cycle' or 'constant' (got 'up')"),
        ("train --beta -1", "--beta: Input should be greater than or equal to 0 (got -1.0)"),
        ("train --objective elbow", "--objective: choose from beta-elbo, iwae, factor-vae"),
        (
            "train --objective iwae --beta 2",
            "--beta is a setting of beta-elbo; the objective iwae has --samples. Leave --beta out, or",
        ),
        ("train --samples 3", "--samples is a setting of iwae; the objective beta-elbo has --beta, --warmup"),
        ("train --objective iwae --samples 0", "--samples: Input should be greater than or equal to 1 (got 0)"),
        ("train --data shapes --sigma 0.2", "--sigma: only the likelihood gaussian has one spread for all pixels"),
        (
            "train --data shapes --likelihood gaussian-per-pixel --sigma 0.2",
            "gaussian-per-pixel has not (got 0.2). Leave it out, or set --likelihood to gaussian.",
        ),
        ("train --hidden 3,0", "--hidden: Input should be greater than or equal to 1 (got 0)"),
        ("train --hidden 3,x", "--hidden takes whole numbers with commas between them"),
        ("train --out model.pt", "--out takes the name of a .safetensors file; got 'model.pt'"),
        ("train --data shapes --device cuda:93", "not available on this machine"),
        ("evaluate nosuch", "There is no model 'nosuch'; choose from:"),
        ("evaluate nosuch.safetensors", "There is no file nosuch.safetensors"),
    ],
)
def test_bad_input_is_answered_by_a_sentence_and_exit_status_2(words, said, tmp_path, monkeypatch):
    monkeypatch.setenv("VAE_RUNS", str(tmp_path))
    result = run(words)
    assert result.exit_code == 2, result.output
    assert said in " ".join(result.stderr.split())
    assert "Traceback" not in result.output


def test_an_option_field_of_a_kind_without_parser_would_be_noticed():
    assert {option.kind for option in options()} <= {bool, int, float, str}
    with pytest.raises(ConfigError, match="--latent-dim"):
        config_of({"latent_dim": 1000})


@pytest.mark.skipif(not hasattr(signal, "SIGINT") or os.name == "nt", reason="signals of POSIX systems")
def test_ctrl_c_stops_the_training_and_keeps_the_best_epoch(tmp_path):
    out = tmp_path / "stopped.safetensors"
    words = [*shlex.split(TINY.replace("--epochs 1", "--epochs 2000")), "--out", str(out)]
    argv = [sys.executable, "-m", "vae_core", *words]
    process = subprocess.Popen(argv, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    folder: list[Path] = []
    try:
        deadline = time.monotonic() + 120
        while not folder and process.poll() is None and time.monotonic() < deadline:
            folder = list(tmp_path.glob(".training-*/best.safetensors"))  # appears after the first epoch
            time.sleep(0.05)
        process.send_signal(signal.SIGINT)
        stdout, stderr = process.communicate(timeout=60)
    finally:
        process.kill()
        process.communicate()
    assert process.returncode == 0, stderr
    assert "Stopped at step" in stderr and str(out) in stdout
    assert list(tmp_path.iterdir()) == [out]
    assert load_header(out).metrics.split == "test"


# --- evaluate and list


def test_evaluate_gives_the_figures_that_training_stored(model):
    result = run("evaluate --samples 4 --images 20 --seed 7 --json", model)
    assert result.exit_code == 0, result.output
    figures, stored = json.loads(result.stdout), load_header(model).metrics
    assert figures["elbo"] == pytest.approx(stored.elbo, abs=0.05)
    assert figures["elbo"] == pytest.approx(-figures["reconstruction"] - figures["kl"], abs=0.05)
    assert figures["log_px_images"] == 20 and figures["log_px_samples"] == 4
    assert 1 <= figures["log_px_effective_samples"] <= 4.001
    assert {name: pytest.approx(score, abs=0.02) for name, score in figures["factors"].items()} == {
        name: score.model_dump() for name, score in load_header(model).factors.items()
    }


def test_evaluate_prints_a_table_with_units(model):
    result = run("evaluate --samples 0", model)
    assert result.exit_code == 0, result.output
    assert "nats per image" in result.stdout and "active units, of 3" in result.stdout and "log p(x), K" not in result.stdout
    for words in ("factor, read from mu", "rotation", "R^2, up to symmetry", "accuracy"):
        assert words in result.stdout


def test_list_shows_a_model_and_skips_a_broken_one_with_a_word(model, tmp_path, monkeypatch):
    monkeypatch.setenv("VAE_CHECKPOINTS", str(tmp_path))
    monkeypatch.setenv("VAE_RUNS", str(tmp_path / "runs"))
    (tmp_path / "good.safetensors").write_bytes(model.read_bytes())
    (tmp_path / "broken.safetensors").write_bytes(b"nothing")
    result = run("list --json")
    assert result.exit_code == 0, result.output
    rows = {row["name"]: row for row in json.loads(result.stdout)}
    assert rows["good"]["latent_dim"] == 3 and rows["good"]["test_elbo"] == load_header(model).metrics.elbo
    assert "broken" not in rows
    table = run("list").stdout
    assert "good" in table and "shapes" in table


@pytest.mark.parametrize("width", [60, 80, 100, 200])
def test_list_never_cuts_a_name_and_leaves_out_columns_that_do_not_fit(model, tmp_path, monkeypatch, width):
    monkeypatch.setenv("VAE_CHECKPOINTS", str(tmp_path))
    monkeypatch.setenv("VAE_RUNS", str(tmp_path / "runs"))
    monkeypatch.setenv("COLUMNS", str(width))
    monkeypatch.setattr(console.out, "_width", width)
    name = "mnist-conv-10d-b4 [bold] second"
    (tmp_path / f"{name}.safetensors").write_bytes(model.read_bytes())
    lines = run("list").stdout.splitlines()
    assert any(name in line for line in lines) and all(len(line) <= width for line in lines)
    assert any("trained" in line and "┃" in line for line in lines) == (width == 200)
    assert any("ELBO" in line for line in lines)


def test_a_listed_name_opens_the_model(model, tmp_path, monkeypatch):
    monkeypatch.setenv("VAE_CHECKPOINTS", str(tmp_path))
    (tmp_path / "good.safetensors").write_bytes(model.read_bytes())
    assert run("sample good --count 4 --out", tmp_path / "four.png").exit_code == 0


# --- pictures


def test_sample_draws_a_square_sheet_that_its_seed_determines(model, tmp_path):
    first, again, other = (tmp_path / name for name in ("a.png", "b.png", "c.png"))
    for path, seed in ((first, 1), (again, 1), (other, 2)):
        assert run(f"sample --count 9 --seed {seed} --out", path, model).exit_code == 0
    assert first.read_bytes() == again.read_bytes() != other.read_bytes()
    assert size_of(first) == (1000, 1000)  # 3 * 66 + 2 pixels a side, five times as large


def test_sample_draws_the_pixels_too_when_asked_for_noise(model, tmp_path):
    mean, noise, again = (tmp_path / name for name in ("mean.png", "noise.png", "again.png"))
    for path, option in ((mean, "--mean"), (noise, "--noise"), (again, "--noise")):
        assert run(f"sample --count 4 {option} --out", path, model).exit_code == 0
    assert noise.read_bytes() == again.read_bytes() != mean.read_bytes()


def test_a_sheet_is_enlarged_without_changing_its_pixels(model, tmp_path):
    for scale in (1, 3):
        assert run(f"sample --count 4 --scale {scale} --out", tmp_path / f"{scale}.png", model).exit_code == 0
    small, large = (Image.open(tmp_path / f"{scale}.png") for scale in (1, 3))
    assert small.size == (2 * 66 + 2, 2 * 66 + 2)
    assert large.tobytes() == small.resize((3 * small.width, 3 * small.height), Image.Resampling.NEAREST).tobytes()


def test_a_sheet_beyond_all_measure_is_refused_before_it_is_made(model, tmp_path):
    result = run("sample --count 900 --scale 64 --out", tmp_path / "huge.png", model)
    assert result.exit_code == 2 and "smaller --scale" in result.stderr and not list(tmp_path.iterdir())


def test_traverse_draws_a_row_for_each_latent_asked_for(model, tmp_path):
    path = tmp_path / "rows.png"
    result = run("traverse --dims 2,0 --steps 5 --image 3 --out", path, model)
    assert result.exit_code == 0, result.output
    assert "z2, z0" in result.stdout
    assert size_of(path) == (3 * (5 * 66 + 2), 3 * (2 * 66 + 2))


def test_traverse_refuses_a_latent_the_model_does_not_have(model):
    result = run("traverse --dims 0,3", model)
    assert result.exit_code == 2 and "from 0 to 2" in result.stderr and "'0,3'" in result.stderr


def test_encode_gives_one_record_per_image_and_a_picture_of_the_reconstructions(model, tmp_path):
    red, blue = tmp_path / "red.png", tmp_path / "blue.jpg"
    Image.new("RGB", (90, 70), "red").save(red)
    Image.new("RGB", (64, 64), "blue").save(blue)
    sheet = tmp_path / "pairs.png"
    result = run("encode --json --model", model, "--out", sheet, red, blue)
    assert result.exit_code == 0, result.output
    records = json.loads(result.stdout[: result.stdout.rindex("]") + 1])
    assert [record["image"] for record in records] == [str(red), str(blue)]
    assert all(len(record["mu"]) == len(record["std"]) == 3 for record in records)
    assert all(record["elbo"] == pytest.approx(record["log_px_z"] - record["kl"], abs=0.01) for record in records)
    assert records[0]["mu"] != records[1]["mu"]
    assert size_of(sheet) == (7 * (2 * 66 + 2), 7 * (2 * 66 + 2))


def test_encode_names_the_file_that_is_no_image(model, tmp_path):
    good, bad = tmp_path / "good.png", tmp_path / "notes.txt"
    buffer = io.BytesIO()
    Image.new("L", (20, 20), 200).save(buffer, "PNG")
    good.write_bytes(buffer.getvalue())
    bad.write_text("no picture")
    result = run("encode --model", model, good, bad)
    assert result.exit_code == 2 and "notes.txt" in result.stderr and "Traceback" not in result.output


def test_encode_of_a_missing_file_says_which(model, tmp_path):
    result = run("encode --model", model, tmp_path / "gone.png")
    assert result.exit_code == 2 and "gone.png" in result.stderr
