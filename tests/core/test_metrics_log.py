import json
import math
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from vae_core.runs.metrics_log import MetricsWriter, read_since, read_tail


def test_a_row_is_readable_as_soon_as_it_is_written(tmp_path):
    with MetricsWriter(tmp_path / "m.jsonl") as writer:
        writer.write({"step": 1, "kl": 0.5})
        assert read_since(tmp_path / "m.jsonl")[0] == [{"step": 1, "kl": 0.5}]


def test_reading_on_from_an_offset_returns_only_what_is_new(tmp_path):
    path = tmp_path / "m.jsonl"
    with MetricsWriter(path) as writer:
        writer.write({"step": 1})
        _, offset = read_since(path)
        assert read_since(path, offset) == ([], offset)
        writer.write({"step": 2})
        rows, _ = read_since(path, offset)
    assert rows == [{"step": 2}]


def test_a_torn_last_line_is_left_for_the_next_call(tmp_path):
    path = tmp_path / "m.jsonl"
    path.write_bytes(b'{"step": 1}\n{"step": 2, "k')
    rows, offset = read_since(path)
    assert rows == [{"step": 1}]
    with path.open("ab") as file:
        file.write(b'l": 3}\n')
    assert read_since(path, offset)[0] == [{"step": 2, "kl": 3}]


def test_a_writer_after_a_killed_one_loses_only_the_torn_line(tmp_path):
    path = tmp_path / "m.jsonl"
    path.write_bytes(b'{"step": 1}\n{"st')
    with MetricsWriter(path) as writer:
        writer.write({"step": 3})
    assert read_since(path)[0] == [{"step": 1}, {"step": 3}]


def test_a_missing_file_has_no_rows(tmp_path):
    assert read_since(tmp_path / "none.jsonl", 100) == ([], 0)
    assert read_tail(tmp_path / "none.jsonl") == []


def test_a_file_written_anew_is_read_from_its_start(tmp_path):
    path = tmp_path / "m.jsonl"
    path.write_bytes(b'{"step": 7}\n')
    assert read_since(path, 5000)[0] == [{"step": 7}]


def test_numbers_that_are_not_finite_become_null_so_that_any_json_reader_copes(tmp_path):
    path = tmp_path / "m.jsonl"
    with MetricsWriter(path) as writer:
        writer.write({"loss": math.nan, "kl_per_dim": np.array([1.0, np.inf], np.float32), "step": np.int64(3)})
    row = json.loads(path.read_text(), parse_constant=pytest.fail)
    assert row == {"loss": None, "kl_per_dim": [1.0, None], "step": 3}


def test_the_tail_holds_the_last_rows_and_nothing_torn_at_its_front(tmp_path):
    path = tmp_path / "m.jsonl"
    with MetricsWriter(path) as writer:
        for step in range(1000):
            writer.write({"step": step})
    tail = read_tail(path, 500)
    assert tail[-1] == {"step": 999}
    assert [row["step"] for row in tail] == list(range(tail[0]["step"], 1000))
    assert 10 < len(tail) < 60


def test_every_whole_line_survives_a_kill_minus_nine_of_the_writer(tmp_path):
    path = tmp_path / "m.jsonl"
    code = (
        "import itertools, sys\nfrom vae_core.runs.metrics_log import MetricsWriter\n"
        "writer = MetricsWriter(sys.argv[1])\nfor step in itertools.count(): writer.write({'step': step})"
    )
    child = subprocess.Popen([sys.executable, "-c", code, str(path)], cwd=Path(__file__).parents[2])
    try:
        deadline = time.monotonic() + 20
        while len(read_since(path)[0]) < 100:
            assert time.monotonic() < deadline, "the child wrote nothing"
            time.sleep(0.02)
    finally:
        os.kill(child.pid, signal.SIGKILL)
        child.wait()
    steps = [row["step"] for row in read_since(path)[0]]
    assert steps == list(range(len(steps)))
