"""Text from outside, such as the name of a file, shown as it is."""

from __future__ import annotations


def plain(text: str) -> str:
    """Text in which no character is taken for Markdown."""
    return "".join(f"\\{letter}" if letter in "\\`*_{}[]()#+-.!|~$:<>" else letter for letter in text)
