"""
A feed under eight writers: ours misses nothing, a feed by rising id does.
"""

import random
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connection, transaction

from web.feeds import FeedCursor, read_feed
from web.problems import Problem


pytestmark = pytest.mark.django_db(transaction=True)
TABLE = "test_feed"
WRITERS = 8
TRANSACTIONS_EACH = 30
ROWS_EACH = 2
ROWS = WRITERS * TRANSACTIONS_EACH * ROWS_EACH
# Other tests on the same server hold back every feed while their transactions are open.
PATIENCE_S = 120


@pytest.fixture(autouse=True)
def feed_table(transactional_db: None) -> Iterator[None]:
    with connection.cursor() as cursor:
        cursor.execute(
            "CREATE TABLE test_feed (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,"
            " transaction_id xid8 NOT NULL DEFAULT pg_current_xact_id(), word text NOT NULL)"
        )
    yield
    with connection.cursor() as cursor:
        cursor.execute("DROP TABLE test_feed")


def insert(word: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute("INSERT INTO test_feed (word) VALUES (%s)", [word])


def write(number: int) -> None:
    """
    Write rows in transactions that stay open for a moment, so that they commit out of order.
    """
    chance = random.Random(number)
    try:
        for turn in range(TRANSACTIONS_EACH):
            with transaction.atomic():
                for row in range(ROWS_EACH):
                    insert(f"{number}-{turn}-{row}")
                    time.sleep(chance.uniform(0, 0.01))
    finally:
        connection.close()


def follow_feed(done: threading.Event) -> list[str]:
    """
    Read as the API does until the writers are done and every row that will come has come.
    """
    words: list[str] = []
    cursor = ""
    gives_up_at = time.monotonic() + PATIENCE_S
    try:
        while len(words) < ROWS and time.monotonic() < gives_up_at:
            page = read_feed(table=TABLE, columns=["word"], cursor=cursor, limit=7)
            words += [row["word"] for row in page.rows]
            cursor = page.next_cursor
            if not page.rows:
                time.sleep(0.005)
    finally:
        connection.close()
    assert done.is_set() or len(words) == ROWS
    return words


def follow_rising_ids(done: threading.Event) -> list[str]:
    """
    Read as the naive twin does: everything above the highest id that was seen.
    """
    words: list[str] = []
    last = 0
    try:
        while True:
            is_last_look = done.is_set()
            with connection.cursor() as cursor:
                cursor.execute("SELECT id, word FROM test_feed WHERE id > %s ORDER BY id", [last])
                found = cursor.fetchall()
            words += [word for _, word in found]
            last = found[-1][0] if found else last
            if is_last_look:
                return words
            time.sleep(0.005)
    finally:
        connection.close()


class TestReadFeed:
    def test_misses_nothing_where_rising_ids_do(self) -> None:
        done = threading.Event()
        with ThreadPoolExecutor(WRITERS + 2) as pool:
            ours = pool.submit(follow_feed, done)
            naive = pool.submit(follow_rising_ids, done)
            for writer in [pool.submit(write, number) for number in range(WRITERS)]:
                writer.result()
            done.set()

            words = ours.result()

        assert len(words) == len(set(words)) == ROWS
        assert len(naive.result()) < ROWS, "the twin must fail, or this run shows nothing"

    def test_goes_on_where_it_stopped(self) -> None:
        for word in ("one", "two", "three"):
            insert(word)

        first = wait_for(2)
        rest = read_feed(table=TABLE, columns=["word"], cursor=first, limit=9, wait_s=30)

        assert [row["word"] for row in rest.rows] == ["three"]
        assert not rest.has_more
        assert read_feed(table=TABLE, columns=["word"], cursor=rest.next_cursor, limit=9).rows == ()

    def test_shows_a_client_its_part(self) -> None:
        insert("ours")
        insert("theirs")
        wait_for(2)

        page = read_feed(
            table=TABLE, columns=["word"], limit=9, where="word = %s", parameters=["ours"]
        )

        assert [row["word"] for row in page.rows] == ["ours"]

    def test_waits_for_news(self) -> None:
        def write_later(_seconds: float) -> None:
            insert("late")
            time.sleep(0.05)

        page = read_feed(table=TABLE, columns=["word"], limit=9, wait_s=30, sleep=write_later)

        assert page.rows[0]["word"] == "late"

    @pytest.mark.parametrize("forged", ["x", "AAAA", "1", "\0"])
    def test_refuses_a_foreign_cursor(self, forged: str) -> None:
        foreign = FeedCursor(5, 5).to_text(table="another")

        for text in (forged, foreign):
            with pytest.raises(Problem) as caught:
                read_feed(table=TABLE, columns=["word"], cursor=text, limit=9)
            assert (caught.value.status, caught.value.code) == (400, "invalid_cursor")


def wait_for(count: int) -> str:
    """
    Return the cursor after `count` rows, as soon as they are visible.
    """
    gives_up_at = time.monotonic() + PATIENCE_S
    while time.monotonic() < gives_up_at:
        page = read_feed(table=TABLE, columns=["word"], limit=count, wait_s=5)
        if len(page.rows) == count:
            return page.next_cursor
    pytest.fail(f"{count} rows did not become visible in {PATIENCE_S} s")
