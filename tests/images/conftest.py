from __future__ import annotations

from collections.abc import Iterator

import pytest
from inside import Image, opened


@pytest.fixture(scope="session")
def platform() -> Iterator[Image]:
    yield from opened("platform")


@pytest.fixture(scope="session")
def notebook() -> Iterator[Image]:
    yield from opened("notebook")


@pytest.fixture(params=["platform", "notebook"])
def image(request: pytest.FixtureRequest) -> Image:
    return request.getfixturevalue(request.param)
