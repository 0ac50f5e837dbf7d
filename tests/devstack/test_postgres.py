"""
The embedded server: made once, shared by several, gone with the last of them.
"""

import shutil
from collections.abc import Iterator
from pathlib import Path

import psycopg2
import pytest

from config import postgres


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[postgres.Cluster]:
    made = postgres.open_cluster(home=tmp_path / "pg", settings=postgres.TEST_SETTINGS)
    yield made
    postgres.stop(made)
    shutil.rmtree(made.home)
    if not made.home.is_relative_to(tmp_path):
        # As root below a private folder the cluster lives elsewhere, in a folder of its own.
        made.home.parent.rmdir()


def read_encoding(cluster: postgres.Cluster, port: int) -> str:
    connection = psycopg2.connect(cluster.url(database="postgres", port=port))
    with connection.cursor() as cursor:
        cursor.execute("SHOW server_encoding")
        [(encoding,)] = cursor.fetchall()
    connection.close()
    return str(encoding)


class TestShareCluster:
    def test_the_last_to_leave_stops_the_server(self, cluster: postgres.Cluster) -> None:
        with postgres.share_cluster(cluster) as port:
            with postgres.share_cluster(cluster) as same_port:
                assert same_port == port
            assert read_encoding(cluster, port) == "UTF8"

        assert postgres.read_postmaster(cluster) is None

    def test_a_password_is_asked_for(self, cluster: postgres.Cluster) -> None:
        with postgres.share_cluster(cluster) as port:
            wrong = cluster.url(database="postgres", port=port).replace(cluster.password, "guess")
            with pytest.raises(psycopg2.OperationalError, match="password"):
                psycopg2.connect(wrong)

    def test_a_half_made_data_directory_is_made_anew(self, cluster: postgres.Cluster) -> None:
        cluster.data.mkdir()
        (cluster.data / "PG_VERSION").write_text("18")

        with postgres.share_cluster(cluster) as port:
            assert postgres.is_answering(cluster, port=port)


def test_the_words_of_the_server_are_shown_when_it_does_not_start(
    cluster: postgres.Cluster,
) -> None:
    postgres.create(cluster)
    broken = postgres.Cluster(home=cluster.home, settings={"shared_buffers": "not a size"})

    with pytest.raises(postgres.PostgresFailed, match="not a size"):
        postgres.start(broken, port=postgres.find_free_port())
