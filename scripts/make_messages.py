"""Bring the catalogues of messages up to date: the package's, and those of the hub's pages.

``scripts/run python scripts/make_messages.py`` adds what is said anew, without a translation, drops what is said
no more, and compiles the rest. Fill in the empty ``msgstr``, then run it again. Translations that stand in another
file are taken from there: ``python scripts/make_messages.py OTHER.po``.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

from support import catalogue  # noqa: E402


def update(domain: catalogue.Domain, language: str, others: Iterable[Path] = ()) -> None:
    """Write a catalogue anew, compile it, and say what it lacks."""
    path = domain.source(language)
    path.parent.mkdir(parents=True, exist_ok=True)
    known = [catalogue.read(one, language) for one in (path, *others)]
    result = domain.wanted(language, known)
    gone = catalogue.pairs(known[0]).keys() - catalogue.pairs(result).keys()
    path.write_bytes(catalogue.written(result))
    path.with_suffix(".mo").write_bytes(catalogue.compiled(result))
    for _, text in sorted(gone, key=lambda key: key[1]):
        print(f"{language}: no longer said: {text!r}")
    for entry in catalogue.untranslated(result):
        print(f"{language}: to be translated: {entry.id!r}")
    print(f"{language}: {len(result)} texts in {path.relative_to(ROOT)}")


def main() -> None:
    """Write every catalogue."""
    for domain in catalogue.DOMAINS:
        for language in catalogue.LANGUAGES:
            update(domain, language, map(Path, sys.argv[1:]))


if __name__ == "__main__":
    main()
