"""
The pages that Stripe hosts: onboarding, the pay page, an owner's dashboard.
"""

from __future__ import annotations

from dataclasses import dataclass
from html import escape

from simulator.stripe import accounts, money, payments
from simulator.stripe.context import World, internal_call, render
from simulator.stripe.errors import ApiError


@dataclass(frozen=True, kw_only=True)
class Page:
    """``location`` sends the browser elsewhere instead of showing ``html``."""

    status: int = 200
    html: str = ""
    location: str = ""


def visit(world: World, *, method: str, path: str, form: dict[str, str]) -> Page:
    kind, _, name = path.strip("/").partition("/")
    visits = {"onboarding": _onboard, "pay": _pay, "express": _show_dashboard}
    if kind not in visits or not name:
        return _message("Nothing here", "The stand-in has no such page.", status=404)
    try:
        with world.store.lock:
            page = visits[kind](world, method, name, form)
            world.store.commit()
    except ApiError as error:
        return _message("That did not work", error.message, status=error.status)
    return page


def _message(title: str, text: str, *, status: int) -> Page:
    html = render("message", title=escape(title), text=escape(text))
    return Page(status=status, html=html)


def _onboard(world: World, method: str, token: str, _form: dict[str, str]) -> Page:
    call = internal_call(world)
    found = accounts.use_link(call, token)
    if found is None:
        return _use_refresh_address(world, token)
    _, account = found
    if method == "POST":
        return Page(status=303, location=accounts.return_from_link(call, token))
    return Page(
        html=render(
            "onboarding",
            title="Set up payouts",
            email=escape(account.body["contact_email"] or account.id),
            account=escape(account.id),
            country=escape((account.body["identity"]["country"] or "").upper()),
        )
    )


def _use_refresh_address(world: World, token: str) -> Page:
    """Links work once and for five minutes; then the platform must make another."""
    link = world.store.find(token)
    if link is None or link.kind != accounts.LINK:
        return _message("Nothing here", "There is no such link.", status=404)
    use_case = link.body["use_case"]
    return Page(status=303, location=use_case[use_case["type"]]["refresh_url"])


def _pay(world: World, method: str, session_id: str, form: dict[str, str]) -> Page:
    session = world.store.get(payments.SESSION, session_id).body
    if session["status"] != "open":
        return _message("Already done", f"This session is {session['status']}.", status=410)
    if method == "POST" and form.get("action") == "cancel":
        return Page(status=303, location=session["cancel_url"] or "/")
    if method == "POST":
        payments.pay_session(internal_call(world), session_id, card=form.get("card", "visa"))
        location = (session["success_url"] or "/").replace("{CHECKOUT_SESSION_ID}", session_id)
        return Page(status=303, location=location)
    amount = (
        f"{session['amount_total'] // 100}.{session['amount_total'] % 100:02d} "
        f"{session['currency'].upper()}"
    )
    return Page(
        html=render(
            "pay",
            title=escape(f"Pay {amount}"),
            amount=escape(amount),
            session=escape(session_id),
        )
    )


def _show_dashboard(world: World, _method: str, account_id: str, _form: dict[str, str]) -> Page:
    account = world.store.get(accounts.KIND, account_id).body
    totals = money.get_totals(world, account=account_id)["available"]
    balance = ", ".join(
        f"{cents / 100:.2f} {currency.upper()}" for currency, cents in totals.items()
    )
    return Page(
        html=render(
            "express",
            title="Your payouts",
            email=escape(account["contact_email"] or account_id),
            balance=escape(balance or "0.00"),
        )
    )
