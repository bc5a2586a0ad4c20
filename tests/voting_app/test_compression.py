"""Pages and programs travel compressed; what has a secret in it never does."""

import gzip
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from tests.voting_app.api import Api, Run
from voting_app.access import find_mark
from voting_app.context import Context

CSS = "/static/css/base.css"
STATIC = Path(__file__).resolve().parents[2] / "voting_app/static"
GZIP = {"Accept-Encoding": "gzip, deflate, br"}


PLAIN = {"Accept-Encoding": "identity"}


def get(client: FlaskClient, path: str, headers: dict[str, str]) -> TestResponse:
    """Buffered, because a static file is closed only when it has been read to its end."""
    return client.get(path, headers=headers, buffered=True)


@pytest.mark.parametrize(
    "path", ["/", CSS, "/static/css/icon.svg", "/static/vendor/noble.js", "/texts/es.json"]
)
def test_what_everybody_may_read_comes_compressed_to_who_understands_it(
    client: FlaskClient, path: str
) -> None:
    plain = get(client, path, PLAIN)
    small = get(client, path, GZIP)
    for response in (plain, small):
        assert response.status_code == 200
        assert "Accept-Encoding" in response.headers["Vary"]
    assert "Content-Encoding" not in plain.headers
    if len(plain.data) < 400:
        assert small.data == plain.data
        return
    assert small.headers["Content-Encoding"] == "gzip"
    assert gzip.decompress(small.data) == plain.data
    assert small.content_length == len(small.data) < 0.7 * len(plain.data)


def test_a_static_file_is_what_stands_on_the_disk(client: FlaskClient) -> None:
    """Auditors compare served files with published hashes, and ask for them plainly."""
    assert get(client, CSS, {}).data == (STATIC / "css/base.css").read_bytes()


@pytest.mark.parametrize("path", ["/", CSS])
def test_who_has_it_already_gets_nothing_again(client: FlaskClient, path: str) -> None:
    """The tag of a compressed answer is weak, and asking with it is answered with 304, compressed or not."""
    small = get(client, path, GZIP)
    assert small.headers["ETag"].startswith('W/"')
    for headers in (GZIP, {}):
        again = get(client, path, {**headers, "If-None-Match": small.headers["ETag"]})
        assert (again.status_code, again.data) == (304, b"")
        assert "Content-Encoding" not in again.headers


def test_who_refuses_gzip_does_not_get_it(client: FlaskClient) -> None:
    assert "Content-Encoding" not in get(client, CSS, {"Accept-Encoding": "gzip;q=0, *;q=0"}).headers


def test_a_part_of_a_file_is_a_part_of_the_plain_one(client: FlaskClient) -> None:
    part = get(client, CSS, {**GZIP, "Range": "bytes=10-19"})
    assert part.status_code == 206
    assert part.data == (STATIC / "css/base.css").read_bytes()[10:20]


def test_nothing_for_one_person_is_compressed(app: Flask, context: Context, client: FlaskClient) -> None:
    """Its length would tell about the secrets in it."""
    api = Api(context, client)
    run = Run(api).create().freeze()
    urls = [rule.rule for rule in app.url_map.iter_rules() if "GET" in (rule.methods or ())]
    asked = 0
    for url in urls:
        mark = find_mark(app, next(r.endpoint for r in app.url_map.iter_rules() if r.rule == url))
        if mark is None or mark.audience != "token":
            continue
        path = url.replace("<uuid>", run.uuid)
        for role in api.tokens:
            response = client.get(path, headers={**GZIP, "Authorization": f"Bearer {api.tokens[role]}"})
            assert "Content-Encoding" not in response.headers, url
            asked += response.status_code == 200
    assert asked > 0


def test_the_page_with_the_first_administrators_secret_is_not_compressed(
    context: Context, client: FlaskClient
) -> None:
    from voting_app.accounts.links import create_setup_link

    with context.database.write() as session:
        link = create_setup_link(session, context.clock.now())
    page = client.get(f"/setup/{link}", headers=GZIP)
    assert page.status_code == 200
    assert "Content-Encoding" not in page.headers
