"""
Run the stand-in: ``python3 -m simulator.stripe --port 12111``.
"""

from __future__ import annotations

import argparse
import signal
import sys
import threading
from pathlib import Path

from simulator.stripe.context import Options
from simulator.stripe.faults import KINDS, Faults
from simulator.stripe.server import Server, make_world


EPILOG = f"""
addresses for scripts (JSON in, JSON out), beside /v1/… and /v2/…:
  GET    /_control/state                     objects, balances, faults, clock, mismatches
  POST   /_control/faults                    one fault, for example
         {{"kind": "drop_after_effect", "path": "/v1/transfers", "count": 3}}
         kinds: {", ".join(KINDS)}
         or rates: {{"fail_rate": 0.05, "drop_rate": 0.1, "delay_s": 0.2}}
  DELETE /_control/faults                    no more faults
  POST   /_control/clock                     {{"advance_s": 90000}}
  POST   /_control/keys/forget               forget every idempotency key now
  POST   /_control/accounts/ID/complete      the owner finished onboarding (…/restrict undoes it)
  POST   /_control/checkout/ID/pay           paid, {{"card": "visa|international|declined"}}
  POST   /_control/payment_intents/ID/pay
  POST   /_control/balance                   {{"amount": 100000, "currency": "eur"}}: own money in
  POST   /_control/payouts/run               automatic payouts of connected accounts, now
  POST   /_control/payouts/ID/fail           {{"failure_code": "account_closed"}}
  POST   /_control/webhooks                  {{"hold": true, "copies": 3, "shuffle": true}}
  POST   /_control/webhooks/send             {{"event": "evt_…"}} again, or all of them
"""


def parse_arguments(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python3 -m simulator.stripe",
        description=__doc__ and "A stand-in for Stripe with state. No money moves.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add("--host", default="127.0.0.1")
    add("--port", type=int, default=12111, help="0 takes a free one")
    add("--state", default="memory", help="a journal file, or 'memory'")
    add("--webhook-url", default="", help="where v1's snapshot events go")
    add("--thin-webhook-url", default="", help="where v2's thin events go")
    add("--webhook-secret", default=Options.webhook_secret)
    add("--thin-webhook-secret", default=Options.thin_webhook_secret)
    add("--forget-keys-after-s", type=int, default=86_400)
    add("--fail-rate", type=float, default=0.0, help="share of POSTs answered 500, no effect")
    add("--drop-rate", type=float, default=0.0, help="share of POSTs done, answer lost")
    add("--delay-s", type=float, default=0.0, help="wait before every effect")
    add("--funds-available-after-s", type=int, default=0, help="charges are pending so long")
    add("--payout-arrives-after-s", type=int, default=0, help="payouts are pending so long")
    add("--fee-known-after-s", type=int, default=0, help="a charge has no fee for so long")
    add("--fee-basis-points", type=int, default=Options.fee_basis_points)
    add("--fee-fixed-cents", type=int, default=Options.fee_fixed_cents)
    add("--seed", type=int, default=0)
    return parser.parse_args(arguments)


def make_server(values: argparse.Namespace) -> Server:
    options = Options(
        webhook_url=values.webhook_url,
        thin_webhook_url=values.thin_webhook_url,
        webhook_secret=values.webhook_secret,
        thin_webhook_secret=values.thin_webhook_secret,
        fee_basis_points=values.fee_basis_points,
        fee_fixed_cents=values.fee_fixed_cents,
        funds_available_after_s=values.funds_available_after_s,
        fee_known_after_s=values.fee_known_after_s,
        payout_arrives_after_s=values.payout_arrives_after_s,
    )
    world = make_world(
        options=options,
        state_path=None if values.state == "memory" else Path(values.state),
        forget_keys_after_s=values.forget_keys_after_s,
        faults=Faults(
            fail_rate=values.fail_rate, drop_rate=values.drop_rate, delay_s=values.delay_s
        ),
        seed=values.seed,
    )
    return Server(host=values.host, port=values.port, world=world)


def main(arguments: list[str]) -> int:
    server = make_server(parse_arguments(arguments))
    stopped = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stopped.set())
    server.start()
    sys.stdout.write(f"stripe stand-in: {server.world.base_url}\n")
    sys.stdout.flush()
    stopped.wait()
    server.stop()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
