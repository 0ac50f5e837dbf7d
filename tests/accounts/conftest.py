from tests.web.conftest import sample_api


__all__ = ["sample_api"]
