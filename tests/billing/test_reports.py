import csv
import io
import tracemalloc
import zipfile
from datetime import timedelta
from decimal import Decimal

import pytest
from django.test import Client
from django.utils import timezone

from accounts.models import User
from billing.models import Payout, PayoutRun
from billing.operations.payout_holds import hold_payouts
from billing.operations.payout_runs import approve_run, calculate_run, submit_run
from billing.queries.payout_counts import RunSummary, summarize_run
from billing.queries.payouts import RunView, get_payout_page, get_run, stream_payouts
from billing.queries.reports import get_trial_balance
from billing.reports.sheets import Column, Report, to_units, write_csv, write_xlsx
from tests.billing.people import NOON, create_felix, create_fiona, earn, set_up_payouts
from tests.factories import bearer, create_api_key, create_owner
from web.public_ids import encode


pytestmark = pytest.mark.django_db


@pytest.fixture
def run() -> PayoutRun:
    """
    Olivia gets 11.50; Otto is below the minimum; =Mallory, a formula, has no account.
    """
    olivia, otto, mallory = create_owner("Olivia"), create_owner("Otto"), create_owner("Mallory")
    User.objects.filter(pk=mallory.pk).update(display_name="=HYPERLINK(1)")
    set_up_payouts(olivia)
    set_up_payouts(otto)
    earn(olivia, reward=11_504_600)
    earn(otto, reward=9_200_000)
    earn(mallory, reward=20_000_000)
    return calculate_run(actor_id=create_fiona().pk, currency="EUR", now=NOON)


@pytest.fixture
def headers() -> dict[str, str]:
    return bearer(create_api_key(kind="finance"))


def read_counts(run: PayoutRun) -> RunSummary:
    card = get_run(run_id=run.pk)
    assert card is not None
    return summarize_run(run=card)


def count_rows(run: PayoutRun) -> dict[RunView, int]:
    return {
        view: len(list(stream_payouts(run_id=run.pk, view=view, search=""))) for view in RunView
    }


class TestSelector:
    def test_pages_reach_every_line_once(self, run: PayoutRun) -> None:
        seen: list[int] = []
        cursor = None
        while True:
            page = get_payout_page(
                run_id=run.pk, view=RunView.ALL, search="", cursor=cursor, limit=2
            )
            seen += [row.payout_id for row in page.rows]
            cursor = page.next_cursor
            if cursor is None:
                break

        assert seen == sorted(Payout.objects.values_list("pk", flat=True))

    def test_counts_agree_with_what_the_views_show(self, run: PayoutRun) -> None:
        counts = read_counts(run)

        assert counts.view_counts == count_rows(run)
        assert counts.view_counts[RunView.BELOW_MINIMUM] == 1
        assert counts.progress.available_micros == 11_504_600 + 9_200_000 + 20_000_000

    def test_counts_follow_a_hold(self, run: PayoutRun) -> None:
        line = Payout.objects.get(owner__display_name="Olivia")
        # Mallory, who has no account that could be paid.
        assert read_counts(run).view_counts[RunView.HELD] == 1

        hold_payouts(
            run_id=run.pk,
            payout_ids=[line.pk],
            reason="Address unclear",
            actor_id=run.calculated_by_id,
            now=NOON,
        )

        assert read_counts(run).view_counts == count_rows(run)
        assert read_counts(run).view_counts[RunView.HELD] == 2

    def test_counts_are_those_of_the_lines_once_money_moves(self, run: PayoutRun) -> None:
        submit_run(run_id=run.pk, actor_id=run.calculated_by_id, now=NOON)
        approve_run(run_id=run.pk, actor_id=create_felix().pk, checksum=run.checksum, now=NOON)
        Payout.objects.filter(owner__display_name="Olivia").update(state=Payout.State.UNKNOWN)

        assert read_counts(run).progress.waiting_count == 1
        assert read_counts(run).view_counts == count_rows(run)
        assert read_counts(run).view_counts[RunView.LOOK] == 1

    def test_finds_by_name_and_by_payout_id(self, run: PayoutRun) -> None:
        payout = Payout.objects.get(owner__display_name="Otto")
        for search in ("otto", encode("pay", payout.pk)):
            rows = list(stream_payouts(run_id=run.pk, view=RunView.ALL, search=search))
            assert [row.owner_name for row in rows] == ["Otto"]


class TestApi:
    def test_json_and_csv_show_the_same_lines(
        self, client: Client, run: PayoutRun, headers: dict[str, str]
    ) -> None:
        url = f"/api/v1/payout-runs/{encode('run', run.pk)}/payouts"

        data = client.get(url, headers=headers).json()["data"]
        answer = client.get(f"{url}?format=csv", headers=headers)
        text = answer.getvalue().decode("utf-8-sig")
        lines = list(csv.DictReader(io.StringIO(text)))

        assert [line["payout_id"] for line in lines] == [item["id"] for item in data]
        assert [Decimal(line["amount"]) for line in lines] == [
            to_units(item["amount"]["amount_micros"]) for item in data
        ]
        assert sum(Decimal(line["amount"]) for line in lines) == to_units(run.amount_micros)

    def test_the_same_filter_holds_in_the_file(
        self, client: Client, run: PayoutRun, headers: dict[str, str]
    ) -> None:
        url = f"/api/v1/payout-runs/{encode('run', run.pk)}/payouts?view=below_minimum"

        assert len(client.get(url, headers=headers).json()["data"]) == 1
        text = client.get(f"{url}&format=csv", headers=headers).getvalue().decode()
        assert len(text.splitlines()) == 2

    def test_xlsx_is_a_workbook(
        self, client: Client, run: PayoutRun, headers: dict[str, str]
    ) -> None:
        url = f"/api/v1/payout-runs/{encode('run', run.pk)}/payouts?format=xlsx"

        content = client.get(url, headers=headers).getvalue()

        sheet = zipfile.ZipFile(io.BytesIO(content)).read("xl/worksheets/sheet1.xml")
        assert b"11.5" in sheet
        assert b"<f>" not in sheet

    def test_a_run_and_the_list_of_runs(
        self, client: Client, run: PayoutRun, headers: dict[str, str]
    ) -> None:
        listed = client.get("/api/v1/payout-runs", headers=headers).json()

        shown = client.get(f"/api/v1/payout-runs/{encode('run', run.pk)}", headers=headers).json()

        assert listed["data"] == [shown]
        assert shown["amount"] == {"amount_micros": 11_500_000, "currency": "EUR"}

    @pytest.mark.parametrize(
        ("path", "status"),
        [
            ("payout-runs?limit=x", 422),
            ("payout-runs?cursor=x", 400),
            ("payout-runs?unknown=1", 422),
            ("payout-runs/run_000000000000000", 404),
            ("payout-runs/nonsense/payouts?format=csv", 404),
            ("reports/trial-balance?as_of=2026-01-01T00:00:00", 422),
            ("reports/trial-balance?format=pdf", 404),
        ],
    )
    def test_bad_questions_get_problem_documents(
        self, client: Client, headers: dict[str, str], path: str, status: int
    ) -> None:
        answer = client.get(f"/api/v1/{path}", headers=headers)

        assert answer.status_code == status
        assert answer.headers["Content-Type"] == "application/problem+json"

    def test_a_buyers_key_may_not(self, client: Client, run: PayoutRun) -> None:
        key = create_api_key(kind="scheduler")

        assert client.get("/api/v1/payout-runs", headers=bearer(key)).status_code == 403


class TestTrialBalance:
    def test_debits_are_credits(self, run: PayoutRun) -> None:
        balance = get_trial_balance(as_of=timezone.now(), booked_until=timezone.now())

        assert balance.total("EUR") == (40_704_600, 40_704_600)

    def test_looks_at_both_clocks(self, run: PayoutRun) -> None:
        after = NOON + timedelta(seconds=1)

        assert get_trial_balance(as_of=after, booked_until=after).rows
        assert not get_trial_balance(as_of=NOON, booked_until=after).rows
        assert not get_trial_balance(as_of=after, booked_until=NOON).rows

    def test_api_and_csv_agree(
        self, client: Client, run: PayoutRun, headers: dict[str, str]
    ) -> None:
        url = "/api/v1/reports/trial-balance"

        data = client.get(url, headers=headers).json()["data"]
        text = client.get(f"{url}?format=csv", headers=headers).getvalue().decode("utf-8-sig")
        lines = list(csv.DictReader(io.StringIO(text)))

        assert [Decimal(line["balance"]) for line in lines] == [
            to_units(row["balance"]["amount_micros"]) for row in data
        ]


NAMES: Report[str] = Report("names", (Column("name", "Name", lambda name: name),))


class TestSheets:
    @pytest.mark.parametrize("name", ["=1+1", "+1+a", "-1+a", "@a", "\t=1", "\r=1", "|a"])
    def test_formulas_are_escaped(self, name: str) -> None:
        line = "".join(write_csv(NAMES, [name])).splitlines()[1].lstrip('"')

        assert line.startswith("'")

    def test_negative_amounts_are_numbers(self) -> None:
        report: Report[int] = Report("m", (Column("m", "M", to_units),))

        assert list(write_csv(report, [-4_140_000]))[1] == "-4.14\r\n"

    @pytest.mark.parametrize(
        ("micros", "text"),
        [(0, "0.00"), (11_500_000, "11.50"), (60_480, "0.06048"), (10**16, "10000000000.00")],
    )
    def test_amounts_are_exact(self, micros: int, text: str) -> None:
        assert str(to_units(micros)) == text

    def test_csv_takes_no_memory(self) -> None:
        names = (f"name {number}" for number in range(50_000))
        tracemalloc.start()
        for _line in write_csv(NAMES, names):
            pass
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()

        assert peak < 2**20

    def test_xlsx_takes_little_memory(self) -> None:
        names = (f"name {number}" for number in range(50_000))
        tracemalloc.start()
        with write_xlsx(NAMES, names):
            peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()

        assert peak < 4 * 2**20
