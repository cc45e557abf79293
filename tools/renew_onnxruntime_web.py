"""Renews the copy of onnxruntime-web in ui/components/onnxruntime_web/, which runs decoders in the browser.

python -m tools.renew_onnxruntime_web 1.30.0        # fetched by `npm pack`
python -m tools.renew_onnxruntime_web FILE.tgz      # from such a package

Only what a browser with WebAssembly SIMD needs is kept, compressed by gzip as it is served, and hashes.json beside it: the
version, the hash of the package (as npm states it), and of each file as it is in the package. The second module is the build for
WebGPU, which only decoders that take long without it ask for.

LICENSE and ThirdPartyNotices.txt.gz are those of ONNX Runtime; the package holds neither, and this program leaves them alone.
"""

from __future__ import annotations

import base64
import gzip
import hashlib
import json
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

FOLDER = Path(__file__).resolve().parents[1] / "ui" / "components" / "onnxruntime_web"
PACKAGE = "onnxruntime-web"
FILES = (
    "ort.wasm.bundle.min.mjs",
    "ort-wasm-simd-threaded.wasm",
    "ort.webgpu.bundle.min.mjs",
    "ort-wasm-simd-threaded.asyncify.wasm",
)
MOST = 8 << 20  # bytes of one file in the repository
HASHES = "hashes.json"


def renew(package: Path, folder: Path) -> None:
    """Puts what is needed of a package into the folder.

    Raises:
        SystemExit: a file is missing in the package or too large; the folder is as it was.
    """
    with tarfile.open(package) as tar:
        version = json.loads(_read(tar, "package/package.json"))["version"]
        plain = {name: _read(tar, f"package/dist/{name}") for name in FILES}
    packed = {f"{name}.gz": gzip.compress(data, 9, mtime=0) for name, data in plain.items()}
    for name, data in packed.items():
        if len(data) > MOST:
            raise SystemExit(f"{name} has {len(data):,} bytes; at most {MOST:,} go into the repository.")
    told = {
        "package": PACKAGE,
        "version": version,
        "integrity": f"sha512-{base64.b64encode(hashlib.sha512(package.read_bytes()).digest()).decode()}",
        "files": {name: {"bytes": len(data), "sha256": hashlib.sha256(data).hexdigest()} for name, data in plain.items()},
    }
    folder.mkdir(parents=True, exist_ok=True)
    for name, data in packed.items():
        (folder / name).write_bytes(data)
    (folder / HASHES).write_text(json.dumps(told, indent=2) + "\n")


def _read(tar: tarfile.TarFile, name: str) -> bytes:
    try:
        file = tar.extractfile(name)
    except KeyError:
        file = None
    if file is None:
        raise SystemExit(f"The package holds no {name}. This version is put together in another way; see FILES in this program.")
    return file.read()


def main(arguments: list[str]) -> None:
    """With a version, or the path of a package."""
    if len(arguments) != 1:
        raise SystemExit(__doc__)
    if arguments[0].endswith(".tgz"):
        return renew(Path(arguments[0]), FOLDER)
    with tempfile.TemporaryDirectory() as folder:
        argv = ["npm", "pack", f"{PACKAGE}@{arguments[0]}", "--pack-destination", folder, "--silent"]
        if subprocess.run(argv, check=False).returncode:
            raise SystemExit("npm could not fetch the package; give the path of a .tgz instead.")
        (package,) = Path(folder).glob("*.tgz")
        return renew(package, FOLDER)


if __name__ == "__main__":
    main(sys.argv[1:])
