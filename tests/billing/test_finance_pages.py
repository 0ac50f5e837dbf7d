import csv
import io
import re
from datetime import UTC, datetime

import pytest
import time_machine
from django.test import Client
from django.urls import reverse
from pytest_django import DjangoAssertNumQueries

from accounts.models import User
from billing.models import Payout, PayoutAttempt, PayoutHold, PayoutRun
from billing.operations.ledger_checks import check_ledger
from billing.operations.payout_runs import calculate_run, cancel_run, submit_run
from tests.billing.people import (
    NOON,
    create_felix,
    create_fiona,
    create_olivia,
    earn,
    set_up_payouts,
)
from tests.factories import create_owner, create_person, sign_in
from web.public_ids import encode


pytestmark = pytest.mark.django_db


@pytest.fixture
def fiona() -> User:
    return create_fiona()


@pytest.fixture
def felix() -> User:
    return create_felix()


@pytest.fixture
def run(fiona: User) -> PayoutRun:
    """
    Olivia gets 11.50, Otto is below the minimum.
    """
    olivia, otto = create_olivia(), create_owner("Otto")
    set_up_payouts(olivia)
    earn(olivia, reward=11_504_600)
    earn(otto, reward=9_200_000)
    return calculate_run(actor_id=fiona.pk, currency="EUR", now=NOON)


def url(name: str, run: PayoutRun, *more: str) -> str:
    return reverse(f"billing:{name}", args=[encode("run", run.pk), *more])


def submit(run: PayoutRun, fiona: User) -> None:
    submit_run(run_id=run.pk, actor_id=fiona.pk, now=NOON)


class TestRunPage:
    def test_shows_the_lines_and_adds_up(self, client: Client, run: PayoutRun, fiona: User) -> None:
        sign_in(client, fiona)

        page = client.get(url("payout_run", run)).content.decode()

        assert "Olivia" in page
        assert "Below the minimum, carried over" in page
        assert "Difference €0.00" in page

    def test_a_view_and_a_search_narrow_the_lines(
        self, client: Client, run: PayoutRun, fiona: User
    ) -> None:
        sign_in(client, fiona)

        below = client.get(url("payout_run", run) + "?view=below_minimum").content.decode()
        found = client.get(url("payout_run", run) + "?q=oliv").content.decode()

        assert "Otto" in below
        assert "Olivia" not in below
        assert "Otto" not in found

    def test_the_file_holds_what_the_page_shows(
        self, client: Client, run: PayoutRun, fiona: User
    ) -> None:
        sign_in(client, fiona)

        for query in ("view=all", "view=below_minimum", "view=all&q=oliv"):
            page = client.get(f"{url('payout_run', run)}?{query}").content.decode()
            file = client.get(f"{url('payout_run_export', run, 'csv')}?{query}").getvalue()
            lines = csv.DictReader(io.StringIO(file.decode("utf-8-sig")))
            shown = re.findall(r"<small>(pay_[0-9a-f]{15})</small>", page)
            assert [line["payout_id"] for line in lines] == shown

    def test_takes_a_constant_number_of_queries(
        self,
        client: Client,
        run: PayoutRun,
        fiona: User,
        django_assert_max_num_queries: DjangoAssertNumQueries,
    ) -> None:
        sign_in(client, fiona)
        with django_assert_max_num_queries(16) as few:
            client.get(url("payout_run", run))
        cancel_run(run_id=run.pk, actor_id=fiona.pk, now=NOON)
        for number in range(8):
            earn(create_owner(f"Otto{number}"), reward=11_504_600)
        many = calculate_run(actor_id=fiona.pk, currency="EUR", now=NOON)

        with django_assert_max_num_queries(len(few)):
            client.get(url("payout_run", many))

    def test_an_unknown_run_is_404(self, client: Client, fiona: User) -> None:
        sign_in(client, fiona)

        for run_id in ("run_000000000000001", "nonsense"):
            assert client.get(f"/finance/runs/{run_id}/").status_code == 404


class TestApprove:
    def approve(self, client: Client, run: PayoutRun, **values: str) -> int:
        data = {"checksum": run.checksum, "is_checked": "on"} | values
        return client.post(url("payout_run_approve", run), data).status_code

    def test_a_second_person_sends_it(
        self, client: Client, run: PayoutRun, fiona: User, felix: User
    ) -> None:
        submit(run, fiona)
        sign_in(client, felix)

        assert "Approve and send" in client.get(url("payout_run", run)).content.decode()
        assert self.approve(client, run) == 302

        run.refresh_from_db()
        assert run.state == PayoutRun.State.APPROVED
        assert PayoutAttempt.objects.count() == 1

    def test_the_form_refuses_whoever_prepared_it(
        self, client: Client, run: PayoutRun, fiona: User
    ) -> None:
        # Fiona became an approver after she had prepared the run.
        submit(run, fiona)
        User.objects.filter(pk=fiona.pk).update(staff_role="finance_approver")
        fiona.refresh_from_db()
        sign_in(client, fiona)

        assert self.approve(client, run) == 422
        assert "someone else has to approve" in client.get(url("payout_run", run)).content.decode()
        assert not PayoutAttempt.objects.exists()

    def test_a_preparer_may_not(self, client: Client, run: PayoutRun, fiona: User) -> None:
        submit(run, fiona)
        sign_in(client, fiona)

        assert self.approve(client, run) == 403

    def test_an_old_sign_in_is_asked_again(
        self, client: Client, run: PayoutRun, fiona: User, felix: User
    ) -> None:
        submit(run, fiona)
        sign_in(client, felix, is_fresh=False)

        assert self.approve(client, run) == 302
        assert not PayoutAttempt.objects.exists()

    def test_an_unticked_box_is_422(
        self, client: Client, run: PayoutRun, fiona: User, felix: User
    ) -> None:
        submit(run, fiona)
        sign_in(client, felix)

        assert self.approve(client, run, is_checked="") == 422

    def test_another_checksum_is_422(
        self, client: Client, run: PayoutRun, fiona: User, felix: User
    ) -> None:
        submit(run, fiona)
        sign_in(client, felix)

        assert self.approve(client, run, checksum="0" * 64) == 422
        assert not PayoutAttempt.objects.exists()


class TestPrepare:
    def test_works_out_a_run_and_submits_it(self, client: Client, fiona: User) -> None:
        olivia = create_olivia()
        set_up_payouts(olivia)
        earn(olivia, reward=11_504_600)
        sign_in(client, fiona)

        client.post(reverse("billing:payout_run_start"), {"currency": "EUR"})
        run = PayoutRun.objects.get()
        client.post(url("payout_run_submit", run))

        run.refresh_from_db()
        assert run.state == PayoutRun.State.SUBMITTED

    @pytest.mark.parametrize("currency", ["", "ISK", "\0"])
    def test_a_currency_that_is_never_paid_out_is_422(
        self, client: Client, fiona: User, currency: str
    ) -> None:
        sign_in(client, fiona)

        page = client.post(reverse("billing:payout_run_start"), {"currency": currency})

        assert page.status_code == 422
        assert 'href="#id_currency"' in page.text
        assert "Choose a currency that can be paid out." in page.text
        assert not PayoutRun.objects.exists()

    def test_holds_chosen_owners_with_a_reason(
        self, client: Client, run: PayoutRun, fiona: User
    ) -> None:
        sign_in(client, fiona)
        line = Payout.objects.get(state="ready")

        client.post(
            url("payout_run_hold", run),
            {"payout": [encode("pay", line.pk)], "reason": "Bank details changed"},
        )

        line.refresh_from_db()
        run.refresh_from_db()
        assert (line.block_reason, line.amount_micros) == ("held", 0)
        assert (run.payout_count, run.amount_micros) == (0, 0)
        assert run.carried_micros == 11_504_600 + 9_200_000
        assert PayoutHold.objects.get().reason == "Bank details changed"

    def test_a_hold_without_a_reason_or_an_owner_says_what_is_missing(
        self, client: Client, run: PayoutRun, fiona: User
    ) -> None:
        sign_in(client, fiona)
        line = encode("pay", Payout.objects.get(state="ready").pk)

        no_reason = client.post(url("payout_run_hold", run), {"payout": [line], "reason": ""})
        nobody = client.post(url("payout_run_hold", run), {"reason": "Bank details changed"})

        assert (no_reason.status_code, nobody.status_code) == (422, 422)
        page = no_reason.content.decode()
        assert '<a href="#id_reason">' in page
        assert re.search(rf'value="{line}" checked', page), "what was chosen stays chosen"
        page = nobody.content.decode()
        assert "Choose the owners who shall be held back." in page
        assert 'value="Bank details changed"' in page
        assert not PayoutHold.objects.exists()

    def test_a_hold_that_comes_too_late_says_so(
        self, client: Client, run: PayoutRun, fiona: User
    ) -> None:
        sign_in(client, fiona)
        line = encode("pay", Payout.objects.get(state="ready").pk)
        submit(run, fiona)

        response = client.post(
            url("payout_run_hold", run), {"payout": [line], "reason": "Asked"}, follow=True
        )

        assert "the run has moved on" in response.content.decode()
        assert not PayoutHold.objects.exists()

    def test_cancels(self, client: Client, run: PayoutRun, fiona: User) -> None:
        sign_in(client, fiona)

        client.post(url("payout_run_cancel", run))

        run.refresh_from_db()
        assert run.state == PayoutRun.State.CANCELLED

    @pytest.mark.parametrize("name", ["payout_run_submit", "payout_run_cancel", "payout_run_hold"])
    def test_an_approver_may_not(
        self, client: Client, run: PayoutRun, felix: User, name: str
    ) -> None:
        sign_in(client, felix)

        assert client.post(url(name, run)).status_code == 403


class TestPages:
    PATHS = (
        "/finance/",
        "/finance/runs/",
        "/finance/runs/held/",
        "/finance/ledger/",
        "/finance/reports/",
        "/finance/tariffs/",
    )

    @pytest.mark.parametrize("path", PATHS)
    def test_finance_sees_them(
        self, client: Client, run: PayoutRun, fiona: User, path: str
    ) -> None:
        check_ledger(now=NOON, with_provider=False)
        sign_in(client, fiona)

        assert client.get(path).status_code == 200

    @pytest.mark.parametrize("path", PATHS)
    def test_nobody_else_does(self, client: Client, path: str) -> None:
        assert client.get(path).status_code == 302
        sign_in(client, create_olivia())
        assert client.get(path).status_code == 403
        sign_in(client, create_person("Oscar", staff_role="operator"))
        assert client.get(path).status_code == 403

    def test_the_queue_asks_the_second_person(
        self, client: Client, run: PayoutRun, fiona: User, felix: User
    ) -> None:
        submit(run, fiona)
        sign_in(client, felix)

        assert "Look and approve" in client.get("/finance/").content.decode()

    def test_the_trial_balance_balances(self, client: Client, run: PayoutRun, fiona: User) -> None:
        sign_in(client, fiona)

        page = client.get("/finance/ledger/").content.decode()
        file = client.get("/finance/ledger/trial-balance.csv").getvalue().decode("utf-8-sig")

        assert "Difference €0.00" in page
        assert len(file.splitlines()) == 1 + 2
        assert client.get("/finance/ledger/trial-balance.xlsx").getvalue().startswith(b"PK")

    def test_a_date_that_is_none_is_422(self, client: Client, fiona: User) -> None:
        sign_in(client, fiona)

        assert client.get("/finance/ledger/?as_of=soon").status_code == 422

    @pytest.mark.parametrize("day", ["9999-12-31", "0001-01-01", "2200-01-01"])
    @pytest.mark.parametrize("name", ["as_of", "booked_until"])
    def test_a_day_beyond_the_books_is_422(
        self, client: Client, fiona: User, name: str, day: str
    ) -> None:
        sign_in(client, fiona)

        for path in ("/finance/ledger/", "/finance/ledger/trial-balance.csv"):
            page = client.get(f"{path}?{name}={day}")
            assert page.status_code == 422
            assert "Choose a day" in page.text

    def test_the_file_is_named_by_the_last_day_that_it_holds(
        self, client: Client, run: PayoutRun, fiona: User
    ) -> None:
        User.objects.filter(pk=fiona.pk).update(time_zone="Europe/Oslo")
        sign_in(client, fiona)

        chosen = client.get("/finance/ledger/trial-balance.csv?as_of=2026-11-22")
        with time_machine.travel(datetime(2026, 11, 22, 23, 30, tzinfo=UTC), tick=False):
            until_now = client.get("/finance/ledger/trial-balance.csv")

        assert 'filename="trial-balance-2026-11-22.csv"' in chosen["Content-Disposition"]
        assert 'filename="trial-balance-2026-11-23.csv"' in until_now["Content-Disposition"]

    @pytest.mark.parametrize("path", ["/finance/quarantine/?q=a%00b", "/finance/?%00=1"])
    def test_a_query_that_no_text_can_hold_is_400(
        self, client: Client, fiona: User, path: str
    ) -> None:
        sign_in(client, fiona)

        assert client.get(path).status_code == 400

    def test_a_day_before_the_first_transfer_is_empty(
        self, client: Client, run: PayoutRun, fiona: User
    ) -> None:
        sign_in(client, fiona)

        page = client.get("/finance/ledger/?as_of=2026-11-20").content.decode()

        assert "No transfer by then" in page
