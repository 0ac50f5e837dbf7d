from typing import Any

import pytest


@pytest.fixture
def sample_api(settings: Any) -> None:
    """
    Mount the small API of `tests.web.sample_api` beside the real addresses.
    """
    settings.ROOT_URLCONF = "tests.web.sample_api"
