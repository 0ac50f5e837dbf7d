"""
Idempotency keys with Stripe's semantics.

v1: the first answer is kept whatever it was, errors of an executed request
included, and is forgotten after a while (24 hours at Stripe); after that the
same key acts again. v2: a success is kept for 30 days; an error is not kept, so
that the same key may try again.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field

from simulator.stripe.errors import ApiError, Json
from simulator.stripe.store import Store


V2_FORGET_AFTER_S = 30 * 86_400
_KIND = "idempotency_key"


@dataclass(frozen=True, kw_only=True)
class SavedAnswer:
    status: int
    body: Json


@dataclass(kw_only=True)
class Keys:
    store: Store
    forget_after_s: int
    _in_use: set[str] = field(default_factory=set)

    def begin(self, *, key: str, account: str, path: str, params: Json) -> SavedAnswer | None:
        """
        Return the answer that the key remembers, or None once the key is taken.

        :raises ApiError: 400 for other parameters, 409 while the first still runs.
        """
        record_id = self._record_id(key=key, account=account, path=path)
        if record_id in self._in_use:
            raise ApiError(
                status=409,
                type="idempotency_error",
                code="idempotency_key_in_use",
                message=(
                    f"There is currently another in-progress request using this idempotent key "
                    f"({key}). Please try again later."
                ),
                is_saved=False,
            )
        record = self.store.find(record_id)
        if record is not None and self._is_forgotten(record.body, path):
            self.store.forget(_KIND, record_id)
            record = None
        if record is None:
            self._in_use.add(record_id)
            return None
        if record.body["fingerprint"] != _fingerprint(path=path, params=params):
            raise ApiError(
                status=400,
                type="idempotency_error",
                message=(
                    "Keys for idempotent requests can only be used with the same parameters they "
                    f"were first used with. Try using a key other than '{key}' if you meant to "
                    "execute a different request."
                ),
                is_saved=False,
            )
        return SavedAnswer(status=record.body["status"], body=record.body["answer"])

    def finish(
        self, *, key: str, account: str, path: str, params: Json, answer: SavedAnswer | None
    ) -> None:
        """Let go of the key; ``answer`` is kept unless None."""
        record_id = self._record_id(key=key, account=account, path=path)
        self._in_use.discard(record_id)
        if answer is None or (_is_v2(path) and answer.status >= 400):
            return
        body: Json = {
            "id": record_id,
            "created": self.store.now(),
            "fingerprint": _fingerprint(path=path, params=params),
            "status": answer.status,
            "answer": answer.body,
        }
        self.store.put(_KIND, body, account=account)

    def forget_all(self) -> int:
        """Forget every key now; return how many there were."""
        known = [record.id for record in self.store.all(_KIND)]
        for record_id in known:
            self.store.forget(_KIND, record_id)
        return len(known)

    def _is_forgotten(self, body: Json, path: str) -> bool:
        limit_s = V2_FORGET_AFTER_S if _is_v2(path) else self.forget_after_s
        return bool(self.store.now() - body["created"] >= limit_s)

    @staticmethod
    def _record_id(*, key: str, account: str, path: str) -> str:
        return f"key:{'v2' if _is_v2(path) else 'v1'}:{account}:{key}"


def _is_v2(path: str) -> bool:
    return path.startswith("/v2/")


def _fingerprint(*, path: str, params: Json) -> str:
    text = json.dumps([path, params], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()
