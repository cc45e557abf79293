"""The ES modules of a component as one: fifty files asked for one by one keep a first visitor waiting on a busy server.

The modules stay plain files, which the tests import one by one. Each becomes a function that returns what the module exports, in
an order in which everything stands before it is used. Understood is what our modules are written in: `import { a, b as c } from
"./file.js";` on one line, and `export` before a function, a class or a const. Anything else is refused by name.
"""

from __future__ import annotations

import json
import re
from pathlib import Path

IMPORT = re.compile(r'^import \{ (?P<names>[^}]*?),? \} from "(?P<path>[^"]+)";$')
EXPORT = re.compile(r"^export (?P<default>default )?(?P<code>(?:async )?(?:function|class|const) (?P<name>\w+).*)$")


def bundle(entry: Path) -> str:
    """The module `entry` with everything it imports, as the source of one module that exports the same default.

    Raises:
        ValueError: a line that is not understood, or modules that import each other in a circle.
    """
    made: dict[Path, str] = {}  # file -> what its exports are called in the bundle, in order
    parts: list[str] = []
    _add(entry.resolve(), entry.resolve().parent, made, parts, ())
    return "\n".join([*parts, f"export default {made[entry.resolve()]}.default;", ""])


def modules(entry: Path) -> list[Path]:
    """The module `entry` and everything it imports."""
    found = {entry.resolve(): None}
    waiting = [*found]
    while waiting:
        file = waiting.pop()
        imported = (IMPORT.match(line) for line in file.read_text(encoding="utf-8").splitlines())
        new = [(file.parent / one["path"]).resolve() for one in imported if one]
        waiting += [path for path in new if path not in found]
        found |= dict.fromkeys(new)
    return sorted(found)


def _add(file: Path, folder: Path, made: dict[Path, str], parts: list[str], above: tuple[Path, ...]) -> None:
    """The module's part, after those of all that it imports."""
    if file in above:
        raise ValueError(f"These modules import each other in a circle: {', '.join(path.name for path in (*above, file))}.")
    if file in made:
        return
    lines, exports = [], {}
    for number, line in enumerate(file.read_text(encoding="utf-8").splitlines(), 1):
        imported, exported = IMPORT.match(line), EXPORT.match(line)
        if imported:
            wanted = (file.parent / imported["path"]).resolve()
            _add(wanted, folder, made, parts, (*above, file))
            line = f"const {{ {imported['names'].replace(' as ', ': ')} }} = {made[wanted]};"
        elif exported:
            exports["default" if exported["default"] else exported["name"]] = exported["name"]
            line = exported["code"]
        elif re.match(r"(import|export)\b", line):
            raise ValueError(f"{file.name}, line {number}: this bundler understands no such import or export: {line}")
        lines.append(line)
    made[file] = f"module{len(made)}"
    given = ", ".join(f"{json.dumps(name)}: {local}" for name, local in exports.items())
    title = file.relative_to(folder).as_posix() if file.is_relative_to(folder) else file.name
    parts.append("\n".join([f"// {title}", f"const {made[file]} = (() => {{", *lines, f"return {{ {given} }};", "})();"]))
