"""What may lie in a run's folder instead of what belongs there: a table of malformed files, each with what puts it there."""

import json
import os
import socket

GOOD = {
    "run.json": {"name": "victim", "created": 5.0},
    "status.json": {"state": "done", "message": "", "started": 5.0, "ended": 67.0},
    "config.json": {"data": {"name": "shapes"}, "model": {"height": 64, "width": 64, "channels": 3}},
    "metrics.jsonl": {"kind": "step", "step": 1, "epoch": 0.5, "time": 1.0, "kl": 2.0},
}
CONTENTS = {  # in place of any of the four
    "empty": b"",
    "zeros": bytes(100),
    "torn": b'{"na',
    "torn string": b'{"name": "x',
    "no utf-8": b'{"name": "\xff\xfe", "created": 5}',
    "utf-16": '{"name": "x", "created": 5}'.encode("utf-16"),
    "list": b"[]",
    "text": b'"x"',
    "number": b"5",
    "null": b"null",
    "true": b"true",
    "NaN": b"NaN",
    "two values": b"{} {}",
    "comment": b'{"name": "x" /* y */}',
    "deep list": b"[" * 100_000,
    "deep object": b'{"name":' * 100_000,
    "deep and closed": b'{"name":' + b"[" * 50_000 + b"]" * 50_000 + b"}",
    "long number": b'{"created": ' + b"9" * 5000 + b', "epoch": ' + b"9" * 5000 + b', "started": ' + b"9" * 5000 + b"}",
    "two megabytes": b'{"name": "' + b"x" * 2_000_000 + b'"}',
    "half a surrogate": b'{"name": "\\ud800", "message": "\\ud800", "kind": "\\ud800", "created": 5}',
}
FIELDS = {  # file -> field -> values that do not fit
    "run.json": {
        "name": [None, 5, [], {}, "", "x" * 300, "a\nb", "a\0b", True],
        "created": [None, "x", [], {}, float("nan"), float("inf"), -float("inf"), -1, 1e300, 10**400],
    },
    "status.json": {
        "state": [5, [], {}, "flying", "unreadable", ""],
        "started": ["x", [], {}, float("nan"), float("inf"), -5, 1e300],
        "ended": ["x", [], {}, float("nan"), float("inf"), -5, 1e300],
        "message": [5, [], {}],
        "elbo": ["x", [], {}, float("nan"), float("inf"), 1e300],
    },
    "config.json": {
        "epochs": [None, "x", 0, -1, [], float("nan"), float("inf"), 10**400],
        "model": [None, 5, [], {"latent_dim": 10**9}],
        "exec": ["import os"],
    },
    "metrics.jsonl": {
        "kind": [None, 5, [], {}],
        "step": [None, "x", [], {}, float("nan"), float("inf"), -1, 10**400],
        "epoch": [None, "x", [], {}, float("nan"), float("inf"), -float("inf"), -1, 1e300],
        "time": [None, "x", [], float("nan"), -1],
        "kl": ["x", [], {}, float("nan"), float("inf"), 1e300],
        "kl_per_dim": ["x", 5, {}, ["x"], [[]], [1.0] * 5000],
        "images_per_second": ["x", [], {}, float("nan"), float("inf")],
    },
}
LINES = {  # whole lines of metrics.jsonl
    "only an epoch": b'{"epoch": NaN}',
    "epoch beyond floats": b'{"kind": "validation", "step": 1, "epoch": 1e400, "time": 1, "elbo": -1}',
    "elbo beyond floats": b'{"kind": "validation", "step": 1, "epoch": 1, "time": 1, "elbo": 1e400}',
    "elbo as text": b'{"kind": "validation", "step": 1, "epoch": 1, "time": 1, "elbo": "x"}',
    "step alone": b'{"kind": "step"}',
    "validation alone": b'{"kind": "validation"}',
    "start alone": b'{"kind": "start"}',
    "start as text": b'{"kind": "start", "steps": "x", "epochs": "y"}',
    "no steps": b'{"kind": "start", "steps": 0, "epochs": 0}',
    "end as text": b'{"kind": "end", "test_elbo": "x"}',
    "end alone": b'{"kind": "end"}',
    "units as text": b'{"kind": "end", "test_elbo": -1, "test_active_units": "x"}',
    "unequal dimensions": b'{"kind": "validation", "step": 1, "epoch": 1, "time": 1, "kl_per_dim": [1, 2, 3]}\n'
    b'{"kind": "validation", "step": 2, "epoch": 2, "time": 1, "kl_per_dim": [1]}\n'
    b'{"kind": "validation", "step": 3, "epoch": 3, "time": 1, "kl_per_dim": [1, 2]}',
    "backwards": b'{"kind": "step", "step": 9, "epoch": 9, "time": 9}\n{"kind": "step", "step": 1, "epoch": 1, "time": 1}',
}
OPTIONAL = {  # of run.json
    "place": ["x", [], -1, float("nan"), 1e300],
    "parent": [5, [], "x" * 300, "a\nb"],
    "added_epochs": [5, "x", [0], [-1], ["x"], [1e9], [1] * 2000],
}
OTHERS = ("lock", "log.txt", "stop", "pause", "changes.json", "state.safetensors", "best.safetensors", "preview.npz")
SOUND = {  # what looks wrong and can be read all the same
    "a run that says nothing": ("status.json", b"{}"),
    "a time as text": ("run.json", b'{"name": "victim", "created": "5"}'),
    "a field of a later version": ("run.json", b'{"name": "victim", "created": 5, "colour": [[[1]]]}'),
}


def _folder(path):
    path.mkdir()


def _loop(path):
    path.symlink_to(path.name)


def _nowhere(path):
    path.symlink_to("nowhere")


def _endless(path):
    path.symlink_to("/dev/zero")


def _socket(path):
    here = os.open(".", os.O_RDONLY)
    os.chdir(path.parent)  # a socket's path is short
    try:
        with socket.socket(socket.AF_UNIX) as listener:
            listener.bind(path.name)
    finally:
        os.fchdir(here)
        os.close(here)


KINDS = {"folder": _folder, "loop": _loop, "nowhere": _nowhere, "endless": _endless, "fifo": os.mkfifo, "socket": _socket}


def _line(value):
    return json.dumps(value).encode() + b"\n"


def _writer(data):
    return lambda path: path.write_bytes(data)


def variants():
    """(what it is, the file it replaces, what puts it there, whether that file cannot be read)"""
    for file, good in GOOD.items():
        for what, data in CONTENTS.items():
            yield f"{file}: {what}", file, _writer(data), True
        for what, put in KINDS.items():
            yield f"{file}: {what}", file, put, what != "nowhere" or file == "run.json"
        for field, values in FIELDS[file].items():
            for number, value in enumerate(values):
                yield f"{file}: {field} {number}", file, _writer(_line(good | {field: value})), True
    for what, data in LINES.items():
        yield f"metrics.jsonl: {what}", "metrics.jsonl", _writer(data + b"\n"), False
    for field in ("name", "created"):
        yield f"run.json: no {field}", "run.json", _writer(_line({k: v for k, v in GOOD["run.json"].items() if k != field})), True
    for what, data in {**CONTENTS, "beta as text": b'{"beta": "x"}', "beta without end": b'{"beta": NaN}'}.items():
        yield f"changes.json: {what}", "changes.json", _writer(data), False
    for field, values in OPTIONAL.items():
        for number, value in enumerate(values):
            yield f"run.json: {field} {number}", "run.json", _writer(_line(GOOD["run.json"] | {field: value})), True
    for file in ("status.json", "config.json", "metrics.jsonl", *OTHERS):
        for what, put in KINDS.items() if file not in GOOD else [("missing", lambda path: None)]:
            yield f"{file}: {what}", file, put, False
    for what, (file, data) in SOUND.items():
        yield what, file, _writer(data), False


def place(run_dir, file, put):
    """A finished run whose one file is replaced."""
    run_dir.mkdir(parents=True)
    for name, good in GOOD.items():
        (run_dir / name).write_bytes(_line(good))
    (run_dir / file).unlink(missing_ok=True)
    put(run_dir / file)
