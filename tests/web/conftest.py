import pytest


@pytest.fixture
def sample_api(settings: pytest.FixtureRequest) -> None:
    """
    Mount the small API of `tests.web.sample_api` beside the real addresses.
    """
    settings.ROOT_URLCONF = "tests.web.sample_api"  # type: ignore[attr-defined]
