import json
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from tests.factories import bearer, create_api_key, create_organization


pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("sample_api")]
ECHO = "/api/v1/echo"


def read_problem(response: Any, status: int, code: str) -> dict[str, Any]:
    assert response.status_code == status, response.content
    assert response["Content-Type"] == "application/problem+json"
    document: dict[str, Any] = json.loads(response.content)
    assert document["code"] == code
    assert document["status"] == status
    assert document["detail"]
    assert document["request_id"] == response["X-Request-ID"]
    members = {"type", "title", "status", "detail", "instance", "code", "errors", "request_id"}
    assert set(document) == members
    return document


@pytest.fixture
def quiet_client() -> Client:
    return Client(raise_request_exception=False)


class TestStatuses:
    def test_400_unreadable(self, client: Client) -> None:
        response = client.post(ECHO, b"{", content_type="application/json")

        read_problem(response, 400, "malformed")

    def test_401_without_a_key_says_how_to_send_one(self, client: Client) -> None:
        response = client.post("/api/v1/moves", b"{}", content_type="application/json")

        read_problem(response, 401, "not_authenticated")
        assert response["WWW-Authenticate"] == 'Bearer realm="Parado"'

    @pytest.mark.parametrize(
        "header", ["Bearer", "Bearer x", "Basic eDp5", "Bearer pk_live_" + "a" * 38, "Bearer \xff"]
    )
    def test_401_for_what_is_no_key(self, client: Client, header: str) -> None:
        response = client.get("/api/v1/moves", headers={"Authorization": header})

        read_problem(response, 401, "key_not_valid")

    def test_403_for_a_scope_that_is_missing(self, client: Client) -> None:
        key = create_api_key()

        response = client.get("/api/v1/moves", headers=bearer(key))

        document = read_problem(response, 403, "scope_missing")
        assert "bookings:write" in document["detail"]

    @pytest.mark.parametrize("path", ["/api/v1/nothing", "/api/", "/access/v1/x", "/webhooks/x"])
    def test_404_of_an_address(self, client: Client, path: str) -> None:
        read_problem(client.get(path), 404, "not_found")

    def test_405_names_what_is_allowed(self, client: Client) -> None:
        response = client.delete(ECHO)

        read_problem(response, 405, "method_not_allowed")
        assert "POST" in response["Allow"]

    def test_406(self, client: Client) -> None:
        response = client.post(
            ECHO, b"{}", content_type="application/json", headers={"Accept": "text/csv"}
        )

        read_problem(response, 406, "not_acceptable")

    def test_413_is_refused_before_it_is_read(self, client: Client) -> None:
        body = b'{"amount_micros": 1, "note": "' + b"x" * 2**20 + b'"}'

        response = client.post(ECHO, body, content_type="application/json")

        read_problem(response, 413, "body_too_large")

    @pytest.mark.parametrize(
        "content_type",
        ["", "text/plain", "multipart/form-data", "application/x-www-form-urlencoded", "x" * 300],
    )
    def test_415(self, client: Client, content_type: str) -> None:
        response = client.generic("POST", ECHO, b"{}", content_type=content_type)

        read_problem(response, 415, "unsupported_media_type")

    def test_415_for_an_encoding(self, client: Client) -> None:
        response = client.post(
            ECHO, b"{}", content_type="application/json", headers={"Content-Encoding": "br"}
        )

        read_problem(response, 415, "unsupported_encoding")

    def test_422_points_at_the_field(self, client: Client) -> None:
        response = client.post(ECHO, b'{"amount_micros": -1}', content_type="application/json")

        document = read_problem(response, 422, "invalid")
        assert document["errors"][0]["pointer"] == "/amount_micros"

    def test_422_from_a_serializer(self, client: Client) -> None:
        response = client.post(
            "/api/v1/serializer", b'{"name": "long name"}', content_type="application/json"
        )

        document = read_problem(response, 422, "invalid")
        assert [(error["pointer"], error["code"]) for error in document["errors"]] == [
            ("/name", "max_length")
        ]

    @pytest.mark.parametrize("path", ["/api/v1/bug", "/api/v1/bug?x=1"])
    def test_500_tells_nothing_but_the_request(self, quiet_client: Client, path: str) -> None:
        response = quiet_client.get(path)

        document = read_problem(response, 500, "internal_server_error")
        assert document["detail"] == "Something broke here, and was noted under the request_id."

    def test_500_of_a_page_is_a_page(self, quiet_client: Client) -> None:
        response = quiet_client.get("/page/bug")

        assert response.status_code == 500
        assert response["Content-Type"].startswith("text/html")

    def test_a_foreign_host_is_a_problem_too(self, client: Client) -> None:
        response = client.get("/api/v1/moves", headers={"Host": "evil.example"})

        read_problem(response, 400, "bad_request")


class TestBadInputNeverBreaks:
    @pytest.mark.parametrize(
        "body",
        [
            b"\x00",
            b'"\\u0000"',
            b"null",
            b"[]",
            b"9" * 5000,
            b"-" + b"9" * 5000,
            b"1e99999",
            b"[" * 5000,
            b'{"amount_micros": 1' + b"9" * 4000 + b"}",
            b'{"amount_micros": 1, "note": "\\ud800"}',
            b'{"amount_micros": 1, "note": "\xed\xa0\x80"}',
            b'{"amount_micros": 1, "at": "0001-01-01T00:00:00+23:59"}',
            b'{"amount_micros": 1, "at": "9999-12-31T23:59:59-23:59"}',
            b'{"amount_micros": 1, "parts": [' + b"0," * 5000 + b"0]}",
            b'{"__proto__": 1}',
            b"{" + b",".join(b'"k%d":1' % index for index in range(5000)) + b"}",
        ],
    )
    def test_bodies(self, quiet_client: Client, body: bytes) -> None:
        response = quiet_client.post(ECHO, body, content_type="application/json")

        assert response.status_code < 500
        if response.status_code >= 400:
            read_problem(response, response.status_code, response.json()["code"])

    @pytest.mark.parametrize(
        "query", ["cursor=%00", "cursor=%FF", "limit=9" + "9" * 5000, "limit=-1", "x[]=1", "%00=1"]
    )
    def test_queries(self, quiet_client: Client, query: str) -> None:
        key = create_api_key(kind="buyer", organization_id=create_organization().pk)

        response = quiet_client.get(f"/api/v1/moves?{query}", headers=bearer(key))

        assert response.status_code < 500

    @pytest.mark.parametrize("path", ["/api/v1/%00", "/api/v1/%FF%FE", "/api/v1/" + "a" * 5000])
    def test_addresses(self, quiet_client: Client, path: str) -> None:
        assert quiet_client.get(path).status_code == 404

    def test_key_with_nul(self, quiet_client: Client) -> None:
        response = quiet_client.get("/api/v1/moves", headers={"Authorization": "Bearer a\0b"})

        read_problem(response, 401, "key_not_valid")


class TestRequestId:
    @pytest.mark.parametrize("given", ["abc-12345", "7", '{"batch": 7} <of> 9', "a" * 128])
    def test_is_kept_when_it_can_be_sent_back(self, client: Client, given: str) -> None:
        response = client.get("/api/v1/x", headers={"X-Request-ID": given})

        assert response["X-Request-ID"] == given

    @pytest.mark.parametrize("given", ["", "a" * 129, "line\nbreak-line", "späß-12345"])
    def test_is_made_when_it_is_not(self, client: Client, given: str) -> None:
        response = client.get("/api/v1/x", headers={"X-Request-ID": given})

        assert response["X-Request-ID"] != given
        assert len(response["X-Request-ID"]) == 32


class TestHeaders:
    def test_a_page_allows_no_inline_code_and_is_not_cached(self, client: Client) -> None:
        response = client.get(reverse("account_login"))

        policy = response["Content-Security-Policy"]
        assert "unsafe" not in policy
        assert "default-src 'none'" in policy
        assert response["X-Frame-Options"] == "DENY"
        assert response["X-Content-Type-Options"] == "nosniff"
        assert "no-store" in response["Cache-Control"]
