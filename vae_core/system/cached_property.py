"""A property that is computed on first use, and once only, however many threads ask for it at that moment."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any, Generic, TypeVar

T = TypeVar("T")


class once(Generic[T]):  # noqa: N801  (used as a decorator)
    """`functools.cached_property` with a lock for each object; from Python 3.12 on that one has none."""

    def __init__(self, compute: Callable[[Any], T]) -> None:
        self._compute = compute
        self.__doc__ = compute.__doc__

    def __set_name__(self, _: type, name: str) -> None:
        self._name = name

    def __get__(self, owner: Any, _: type | None = None) -> T:
        kept: dict[str, Any] = owner.__dict__
        with kept.setdefault(f"{self._name} lock", threading.RLock()):
            if self._name not in kept:
                kept[self._name] = self._compute(owner)  # found before this descriptor from now on
            found: T = kept[self._name]
            return found
