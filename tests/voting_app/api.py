"""Runs elections through the application's HTTP interface, as programs of all roles would.

`Api` sends requests and has every answer checked against `voting_app/openapi.json`; `Run` knows the flow of
an election. Tests take a step less, or a wrong one, and look at the refusal.
"""

import json
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from typing import Any

from flask import Flask, Response, request
from flask.testing import FlaskClient
from jsonschema import Draft202012Validator
from werkzeug.test import TestResponse

from crypto.ballot import make_ballot, votes_from_choices
from crypto.credentials import derive_public, encode_credential_list, new_credential_text
from crypto.decryption import make_partial_decryption, make_strong_proofs
from crypto.election import Election, parse_election
from crypto.encoding import encode_json, encode_json_bytes, sha256_hex
from crypto.groups import get_group
from crypto.pedersen import (
    coefficient_commitment,
    make_certificate,
    make_coefficients,
    make_voutput,
    open_private_key,
)
from crypto.randomness import SystemCoins, new_trustee_seed
from crypto.tally import parse_encrypted_tally
from crypto.trustees import generate_key, make_drill
from voting_app.accounts.service import create_token
from voting_app.context import Context
from voting_app.ledger import service as ledger

COINS = SystemCoins()
QUESTIONS = [
    {"answers": ["Ada", "Grace"], "blank": True, "min": 1, "max": 1, "question": "President"},
    {"answers": ["Yes", "No"], "min": 1, "max": 1, "question": "Raise the dues?"},
]
# Most tests are not about the second officer.
ALONE = {"single_officer": "The tests have one officer."}
ROLL = "name,member_number\n" + "".join(f"Member {n},M{n}\n" for n in range(1, 5))


class Api:
    """Requests with a role's token; every JSON answer must be as the OpenAPI document says."""

    def __init__(self, context: Context, client: FlaskClient) -> None:
        self.context = context
        self.client = client
        check_every_answer(client.application)
        self.tokens: dict[str, str] = {}
        for role in ("committee", "registrar", "observer"):
            self.tokens[role] = self.make_token(role)

    def make_token(self, role: str) -> str:
        with self.context.database.write() as session:
            return create_token(session, role=role, label=role, now=self.context.clock.now()).text

    def send(
        self, method: str, path: str, body: Any = None, *, role: str | None = None, token: str | None = None
    ) -> TestResponse:
        """`body`: bytes or text as they are, anything else as JSON. `role` None and no token: nobody."""
        headers = {}
        if role or token:
            headers["Authorization"] = f"Bearer {token or self.tokens[role or '']}"
        data = body if isinstance(body, bytes | str) or body is None else encode_json(body)
        response = self.client.open(path, method=method, data=data, headers=headers)
        return response

    def get(self, path: str, **who: Any) -> Any:
        response = self.send("GET", path, **who)
        assert response.status_code == 200, response.get_data(as_text=True)
        return json.loads(response.data)

    def post(self, path: str, body: Any = None, *, method: str = "POST", **who: Any) -> Any:
        response = self.send(method, path, body, **who)
        assert response.status_code in (200, 201), response.get_data(as_text=True)
        return json.loads(response.data)

    def refuse(
        self, status: int, code: str, path: str, body: Any = None, *, method: str = "POST", **who: Any
    ) -> Any:
        """The problem document of a request that must be refused so."""
        response = self.send(method, path, body, **who)
        problem = json.loads(response.data)
        assert (response.status_code, problem.get("code")) == (status, code), problem
        assert problem["title"].endswith("."), problem
        return problem


# --- the OpenAPI document ------------------------------------------------------------------------------------


@cache
def load_openapi() -> dict[str, Any]:
    document: dict[str, Any] = json.loads(files("voting_app").joinpath("openapi.json").read_text())
    return document


def find_operation(method: str, path: str) -> dict[str, Any] | None:
    """The document's operation for a request path without its query."""
    parts = path.partition("?")[0].split("/")
    best: dict[str, Any] | None = None
    for template, item in load_openapi()["paths"].items():
        wanted = template.split("/")
        if len(wanted) != len(parts) or method.lower() not in item:
            continue
        if all(w.startswith("{") or w == p for w, p in zip(wanted, parts, strict=True)) and (
            best is None or "{" not in template
        ):
            best = item[method.lower()]
    return best


def _resolve(value: dict[str, Any]) -> dict[str, Any]:
    if "$ref" not in value:
        return value
    target: Any = load_openapi()
    for part in value["$ref"].removeprefix("#/").split("/"):
        target = target[part]
    return _resolve(target)


def check_answer(method: str, path: str, response: Response) -> None:
    """Fails unless the document has this operation, this status and this form of answer."""
    operation = find_operation(method, path)
    assert operation is not None, f"{method} {path} is not in openapi.json"
    answers = operation["responses"]
    status = response.status_code
    answer = answers.get(str(status)) or answers.get(f"{status // 100}XX")
    assert answer is not None, f"{method} {path}: status {status} is not in openapi.json"
    content = _resolve(answer).get("content", {})
    media = response.mimetype
    if status != 304:
        assert media in content, f"{method} {path}: {media} is not in openapi.json"
    if media.endswith("json"):
        schema = content[media]["schema"] | {"components": load_openapi()["components"]}
        Draft202012Validator(schema).validate(json.loads(response.get_data()))


def check_every_answer(app: Flask) -> None:
    """From here on a test of `app` fails whose answer to a program is not as the document says."""
    if app.extensions.setdefault("openapi-checked", False):
        return
    app.extensions["openapi-checked"] = True
    # What the check below raises must reach the test instead of becoming an answer.
    app.config["PROPAGATE_EXCEPTIONS"] = True

    @app.after_request
    def check(response: Response) -> Response:
        is_known = find_operation(request.method, request.path) is not None
        is_for_programs = request.path.startswith("/api/") and request.method not in ("HEAD", "OPTIONS")
        if is_for_programs and (is_known or response.status_code not in (404, 405)):
            check_answer(request.method, request.path, response)
        return response


# --- an election -------------------------------------------------------------------------------------------


@dataclass
class Trustee:
    """A trustee's own machine: its token, and what never leaves it."""

    owner: int
    kind: str
    token: str
    seed: str = field(default_factory=new_trustee_seed)
    secret: int = 0
    message: dict[str, Any] = field(default_factory=dict)


@dataclass
class Run:
    """One election and the people in it, step by step."""

    api: Api
    uuid: str = ""
    trustees: list[Trustee] = field(default_factory=list)
    credentials: dict[str, str] = field(default_factory=dict)
    group_name: str = "Ed25519"
    threshold: int = 0
    size: int = 0

    @property
    def base(self) -> str:
        return f"/api/v1/elections/{self.uuid}"

    def committee(self, path: str, body: Any = None) -> Any:
        return self.api.post(f"{self.base}/{path}", body, role="committee")

    def status(self) -> Any:
        return self.api.get(f"{self.base}/status")

    def create(self, **changes: Any) -> "Run":
        body = {
            "name": "Officers of Local 12",
            "questions": QUESTIONS,
            "closes_at": "2026-11-23T12:00:00Z",
            "trustees": {"singles": 1},
            "credential_mode": "server",
            **ALONE,
            **changes,
        }
        body = {name: value for name, value in body.items() if value is not None}
        self.group_name = body.get("group", "Ed25519")
        group = body["trustees"].get("threshold") or {"size": 0, "threshold": 0}
        self.size, self.threshold = group["size"], group["threshold"]
        self.uuid = self.api.post("/api/v1/elections", body, role="committee")["uuid"]
        return self

    def freeze(self, roll: str = ROLL) -> "Run":
        self.committee("roll", roll)
        self.committee("roll/freeze")
        return self

    def generate(self) -> "Run":
        answer = self.api.post(f"{self.base}/credentials/generate", role="registrar")
        self.credentials = answer["credentials"]
        return self

    def receive(self) -> Any:
        """The registrar's program has kept them."""
        body = {"member_numbers": sorted(self.credentials)}
        return self.api.post(f"{self.base}/credentials/delivered", body, role="registrar")

    def publish(self, numbers_and_weights: dict[str, int | None]) -> "Run":
        """The registrar's own machine."""
        group = get_group(self.group_name)
        self.credentials = {number: new_credential_text() for number in numbers_and_weights}
        raw = encode_credential_list(
            group,
            [
                (derive_public(group, self.uuid, self.credentials[number]), weight)
                for number, weight in numbers_and_weights.items()
            ],
        )
        self.api.post(f"{self.base}/credentials", raw, method="PUT", role="registrar")
        return self

    def seat(self) -> "Run":
        seats = self.committee("trustees")["trustees"]
        self.trustees = [Trustee(seat["owner"], seat["kind"], seat["token"]) for seat in seats]
        return self

    def inbox(self, trustee: Trustee) -> Any:
        return self.api.get(f"{self.base}/trustee", token=trustee.token)

    def send(self, trustee: Trustee, what: str, body: Any) -> Any:
        return self.api.post(f"{self.base}/trustee/{what}", body, token=trustee.token)

    def make_certificate(self, trustee: Trustee) -> dict[str, Any]:
        inputs = self.inbox(trustee)["inputs"]
        return make_certificate(
            get_group(self.group_name),
            trustee.seed,
            inputs["size"],
            inputs["threshold"],
            inputs["index"],
            COINS,
        )

    def make_commitment(self, trustee: Trustee) -> str:
        """Makes the trustee's key or coefficients, keeps them, and gives the hash."""
        group = get_group(self.group_name)
        if trustee.kind == "single":
            trustee.secret, key = generate_key(group, COINS)
            trustee.message = key.encode()
            return sha256_hex(encode_json_bytes(trustee.message))
        inputs = self.inbox(trustee)["inputs"]
        trustee.message = make_coefficients(
            group, trustee.seed, inputs["certificates"], inputs["threshold"], inputs["index"], COINS
        )
        return coefficient_commitment(trustee.message["coefexps"])

    def make_share(self, trustee: Trustee) -> dict[str, Any]:
        inputs = self.inbox(trustee)["inputs"]
        return make_voutput(
            get_group(self.group_name),
            trustee.seed,
            inputs["certificates"],
            inputs["threshold"],
            inputs["vinput"],
            inputs["index"],
            COINS,
        )

    def certify_seats(self) -> "Run":
        for trustee in self.trustees:
            if trustee.kind == "threshold":
                self.send(trustee, "certificate", self.make_certificate(trustee))
        return self

    def commit(self) -> "Run":
        for trustee in self.trustees:
            self.send(trustee, "commitment", {"commitment": self.make_commitment(trustee)})
        return self

    def reveal(self) -> "Run":
        for trustee in self.trustees:
            self.send(trustee, "reveal", trustee.message)
        return self

    def share(self) -> "Run":
        for trustee in self.trustees:
            if trustee.kind == "threshold":
                self.send(trustee, "share", self.make_share(trustee))
        return self

    def ceremony(self) -> "Run":
        return self.certify_seats().commit().reveal().share()

    def ready(self) -> "Run":
        self.committee("keys")
        return self

    def make_drill(self, trustee: Trustee) -> dict[str, str]:
        inputs = self.inbox(trustee)["inputs"]
        group = get_group(self.group_name)
        if trustee.kind == "threshold":
            trustee.secret = open_private_key(group, trustee.seed, inputs["private_key"])
        return make_drill(group, inputs["fingerprint"], trustee.secret, inputs["nonce"], COINS)

    def drill(self) -> "Run":
        for trustee in self.trustees:
            self.send(trustee, "drill", self.make_drill(trustee))
        return self

    def open(self) -> "Run":
        self.committee("open")
        return self

    def set_up(self, roll: str = ROLL, **changes: Any) -> "Run":
        """Everything up to an open election whose credentials the server made."""
        self.create(**changes).freeze(roll).generate().seat().ceremony().ready().drill().open()
        return self

    def election(self) -> Election:
        return parse_election(self.api.send("GET", f"{self.base}/election").data)

    def make_ballot(self, member: str, choices: list[Any]) -> bytes:
        election = self.election()
        return make_ballot(election, self.credentials[member], votes_from_choices(election, choices), COINS)

    def cast(self, member: str, choices: list[Any]) -> TestResponse:
        return self.api.send("POST", f"{self.base}/ballots", self.make_ballot(member, choices))

    def close(self) -> "Run":
        self.committee("close")
        return self

    def make_decryption(self, trustee: Trustee) -> dict[str, Any]:
        """From the tally in the published box, as a trustee must take it."""
        election = self.election()
        database = self.api.context.database
        with database.read() as session:
            [(raw, _)] = ledger.read_data(session, ledger.get_box_id(session, self.uuid), "EncryptedTally")
        tally = parse_encrypted_tally(election, raw)
        partial = make_partial_decryption(election, tally, trustee.secret, COINS)
        strong = make_strong_proofs(election, tally, trustee.secret, trustee.owner, COINS)
        return {"partial_decryption": json.loads(partial), "strong_proofs": strong}

    def decrypt(self, *owners: int) -> "Run":
        for trustee in self.trustees:
            if not owners or trustee.owner in owners:
                self.inbox(trustee)
                self.send(trustee, "decryption", self.make_decryption(trustee))
        return self

    def result(self) -> Any:
        return self.api.get(f"{self.base}/result")["result"]
