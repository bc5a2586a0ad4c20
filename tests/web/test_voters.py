"""Credentials and election data: typed, read and derived alike."""

import json
import random
from typing import Any

import pytest

from crypto.credentials import (
    derive_public,
    derive_secret,
    encode_credential_list,
    parse_credential_list,
    parse_credential_text,
)
from crypto.election import Election, parse_election
from crypto.encoding import encode_json_bytes
from crypto.groups import get_group
from crypto.questions import HomomorphicQuestion
from crypto.randomness import new_credential_text
from tests.simulator import json_with, sound
from tests.web.agreeing import some_mutations, verdict
from tests.web.node import Node

GROUP = get_group("Ed25519")
CREDENTIAL = "ABCDE-FGHJKL-MNPQR-STUVWX"
COMPACT = CREDENTIAL.replace("-", "")

# --- credentials -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "typed",
    [
        CREDENTIAL,
        COMPACT,
        f"  {CREDENTIAL}\n",
        CREDENTIAL.replace("-", " "),
        CREDENTIAL.replace("-", "–"),
        CREDENTIAL.replace("-", " — "),
        CREDENTIAL.replace("-", "\u2011"),
        CREDENTIAL.replace("-", "\u2212"),
        CREDENTIAL.replace("-", "\u00ad"),
        CREDENTIAL.replace("-", "\u200b"),
        CREDENTIAL.replace("-", "\uff0d"),
        "\t".join(COMPACT),
        "-".join(COMPACT),
        CREDENTIAL.replace("-", "\u00a0"),
        CREDENTIAL.replace("-", "\u3000"),
    ],
    ids=repr,
)
def test_spaces_and_dashes_may_stand_anywhere(js: Node, typed: str) -> None:
    assert parse_credential_text(typed) == CREDENTIAL
    assert js.call("credentialText", typed=typed) == CREDENTIAL
    assert js.call("typingFault", typed=typed) is None


@pytest.mark.parametrize(
    "typed, fault",
    [
        ("", {"wrong": "length", "length": 0}),
        (CREDENTIAL[:-1], {"wrong": "length", "length": 21}),
        (f"{CREDENTIAL}A", {"wrong": "length", "length": 23}),
        ("😀" * 22, {"wrong": "characters", "characters": ["😀"]}),
        ("😀" * 11, {"wrong": "length", "length": 11}),
        (COMPACT.replace("A", "0").replace("B", "O"), {"wrong": "characters", "characters": ["0", "O"]}),
        (COMPACT.replace("A", "l").replace("B", "I"), {"wrong": "characters", "characters": ["I", "l"]}),
        (COMPACT.replace("A", "."), {"wrong": "characters", "characters": ["."]}),
        (COMPACT.replace("A", "_"), {"wrong": "characters", "characters": ["_"]}),
    ],
)
def test_what_is_wrong_is_told(js: Node, typed: str, fault: dict[str, Any]) -> None:
    refused = ("MalformedError", "B4")
    assert verdict(lambda: parse_credential_text(typed)) == refused
    assert verdict(lambda: js.call("credentialText", typed=typed)) == refused
    assert js.call("typingFault", typed=typed) == fault


def test_the_sentence_never_repeats_the_credential(js: Node) -> None:
    for typed in (CREDENTIAL[:-1], COMPACT.replace("A", "0")):
        answer = js.call("typingFault", typed=typed)
        assert COMPACT[1:8] not in json.dumps(answer)


def test_many_credentials_derive_alike(js: Node, samples: int) -> None:
    for _ in range(2 * samples):
        text = new_credential_text()
        uuid = sound("plain").election.uuid
        expected = [str(derive_secret(GROUP, uuid, text)), derive_public(GROUP, uuid, text).text]
        assert js.call("credential", uuid=uuid, typed=text) == expected


def py_list(raw: bytes, find: list[str]) -> dict[str, Any]:
    found = parse_credential_list(GROUP, raw)
    places = [found.find(GROUP.decode(key, "T", "key", allow_identity=False)) for key in find]
    return {
        "length": len(found),
        "hasWeights": found.has_weights,
        "isSorted": found.is_sorted,
        "totalWeight": str(found.total_weight),
        "weights": [None if place is None else str(found.weight(place)) for place in places],
        "last": [len(found), len(found)] if len(found) else None,
    }


@pytest.mark.parametrize("weights", [None, (3, 1, 0, 2**40)])
def test_lists_of_credentials(js: Node, rng: random.Random, weights: tuple[int, ...] | None) -> None:
    keys = [GROUP.power_g(rng.randrange(GROUP.q)) for _ in range(4)]
    raw = encode_credential_list(GROUP, list(zip(keys, weights or [None] * 4, strict=True)))
    find = [key.text for key in keys] + [GROUP.generator.text]
    shuffled = encode_json_bytes(json.loads(raw)[::-1])
    for text in (raw, shuffled, b"[]"):
        assert js.call("credentialList", hex=text.hex(), find=find) == py_list(text, find)
    items = json.loads(raw)
    login = [items[0] + (",1,ada" if weights is None else ",ada"), *items[1:]]
    some = [items[0].split(",")[0] + ",5", *(item.split(",")[0] for item in items[1:])]
    wrong = [
        login,
        some,
        [*items, items[0]],
        [5],
        {},
        ["00" * 32],
        [GROUP.identity.text],
        [f"{items[0].split(',')[0]},"],
    ]
    wrong += [[f"{items[0].split(',')[0]},{GROUP.q}"], [f"{items[0].split(',')[0]},01"]]
    for value in wrong:
        text = encode_json_bytes(value)
        ours = verdict(lambda t=text: py_list(t, []))
        assert verdict(lambda t=text: js.call("credentialList", hex=t.hex(), find=[])) == ours, value
        assert ours[1] == "S4"


# --- election data -----------------------------------------------------------------------------------------------


def py_presentation(election: Election) -> Any:
    shown = election.presentation
    if shown is None:
        return None
    return {
        "language": shown.language,
        "translations": [{"language": texts.language, **texts.encode()} for texts in shown.translations],
        "rules": None if shown.rules is None else [rule.value for rule in shown.rules],
        "quorumPercent": shown.quorum_percent,
        "record": shown.record and {"serviceKey": shown.record.service_key, "revotes": shown.record.revotes},
        "isTest": shown.is_test,
        "orders": None if shown.orders is None else [order.value for order in shown.orders],
        "candidates": None
        if shown.candidates is None
        else [
            [{"statements": dict(one.statements), "photo": one.photo} for one in group]
            for group in shown.candidates
        ],
    }


def py_election(raw: bytes) -> dict[str, Any]:
    election = parse_election(raw)
    return {
        "uuid": election.uuid,
        "name": election.name,
        "description": election.description,
        "administrator": election.administrator,
        "credentialAuthority": election.credential_authority,
        "unknownFields": list(election.unknown_fields),
        "presentation": py_presentation(election),
        "y": election.public_key.text,
        "questions": [
            [list(q.answers), q.minimum, q.maximum, q.question, q.blank]
            if isinstance(q, HomomorphicQuestion)
            else q.kind
            for q in election.questions
        ],
        "fingerprint": election.fingerprint,
    }


def agreed(js: Node, value: Any) -> Any:
    """What both say of election data."""
    raw = encode_json_bytes(value)
    ours = verdict(lambda: py_election(raw))
    assert verdict(lambda: js.call("election", hex=raw.hex())) == ours, value
    return ours


@pytest.mark.parametrize("kind", ["plain", "blank", "weighted", "threshold", "mixed", "presented"])
def test_election_data_are_read_alike(js: Node, kind: str) -> None:
    assert agreed(js, json.loads(sound(kind).election.raw))[0] == "value"


def test_what_is_fixed_about_the_record_is_read_alike(js: Node) -> None:
    value = json.loads(sound("presented").election.raw)
    good = value["steward"]["record"]
    for steward in ({"version": 1}, value["steward"], {"version": 1, "texts": value["steward"]["texts"]}):
        assert agreed(js, {**value, "steward": {**steward, "record": good}})[0] == (
            "MalformedError" if "texts" in steward and "language" not in steward else "value"
        )
    key = good["service_key"]
    for record in (
        None,
        {},
        {"service_key": key},
        {"revotes": True, "service_key": key},
        {"service_key": key, "revotes": True, "more": 1},
        *(
            {"service_key": other, "revotes": True}
            for other in (None, 5, "", key[:-1], key + "=", key + "A", " " + key)
        ),
        *({"service_key": key, "revotes": other} for other in (None, 0, 1, "true", [])),
    ):
        assert agreed(js, {**value, "steward": {**value["steward"], "record": record}}) == (
            "MalformedError",
            "S1",
        )
    for language in (None, "", "EN"):
        steward = {"version": 1, "language": language, "record": good}
        assert agreed(js, {**value, "steward": steward}) == ("MalformedError", "S1")


def test_what_is_shown_beside_the_answers_is_read_alike(js: Node) -> None:
    value = json.loads(sound("presented").election.raw)
    photo = "0f" * 32
    good: list[dict[str, Any]] = [
        {"test": True},
        {"orders": ["fixed", "rotated"]},
        {"candidates": [[], [{}, {"photo": photo}]]},
        {"candidates": [[{}, {"statement": {"en": "a", "es": "b"}, "photo": photo}, {}], []]},
    ]
    bad: list[dict[str, Any]] = [
        *({"test": other} for other in (False, None, 1, "true")),
        *(
            {"orders": other}
            for other in (None, [], ["fixed", "fixed"], ["rotated"], ["rotated", "x"], [1, 2])
        ),
        *({"candidates": other} for other in (None, [], [[], []], [[], {}], [[], [{}, {}]], [[], [{}]])),
        *(
            {"candidates": [[], [one, {"photo": photo}]]}
            for one in (
                None,
                [],
                {"photo": None},
                {"photo": ""},
                {"photo": photo.upper()},
                {"photo": photo + "\n"},
                {"photo": photo, "statement": {"en": "a"}},
                {"statement": None},
                {"statement": {}},
                {"statement": {"de": "a"}},
                {"statement": {"": "a"}},
                {"statement": {"es": "a", "en": "b"}},
                {"statement": {"en": ""}},
                {"statement": {"en": "\u3000\n"}},
                {"statement": {"en": "a\u200b"}},
                {"statement": {"en": None}},
            )
        ),
    ]
    texts = {key: value["steward"][key] for key in ("version", "language", "texts")}
    for fields in good:
        assert agreed(js, {**value, "steward": {**texts, **fields}})[0] == "value"
    for fields in bad:
        assert agreed(js, {**value, "steward": {**texts, **fields}}) == ("MalformedError", "S1"), fields


def test_every_change_of_election_data_is_judged_alike(js: Node, rng: random.Random, samples: int) -> None:
    value = json.loads(sound("presented").election.raw)
    verdicts = [agreed(js, other)[0] for _, other in some_mutations(value, rng, 6 * samples)]
    assert {"value", "MalformedError", "RejectedError"} >= set(verdicts) > {"MalformedError"}


def test_unknown_and_unsupported_are_kept_for_a_warning(js: Node) -> None:
    value = json.loads(sound("plain").election.raw)
    assert agreed(js, {**value, "colour": [1], "size": {}})[1]["unknownFields"] == ["colour", "size"]
    ranked = {"type": "NonHomomorphic", "value": {"answers": ["a"], "question": "q"}}
    assert agreed(js, {**value, "questions": [ranked]})[1]["questions"] == ["NonHomomorphic"]
    assert agreed(js, {**value, "questions": [{**ranked, "extra": 1}]})[0] == "value"
    for wrong in (
        {**ranked, "type": "Other"},
        {**ranked, "type": []},
        {**ranked, "more": 1},
        {"type": "Lists"},
    ):
        assert agreed(js, {**value, "questions": [wrong]}) == ("MalformedError", "S1")
    raw = encode_json_bytes({**value, "questions": [ranked]})
    assert verdict(lambda: js.call("votes", election=raw.hex(), choices=[[0]])) == ("MisuseError", None)


@pytest.mark.parametrize(
    "letter", ["\u202e", "\u200b", "\x00", "\x85", "\ufeff", "\U000e0041", "\u2028", "\t", "\u200d", "\n"]
)
def test_what_cannot_be_seen(js: Node, letter: str) -> None:
    value = json.loads(sound("presented").election.raw)
    places: list[Any] = [
        ("name",),
        ("questions", 0, "answers", 1),
        ("steward", "texts", "es", "description"),
        ("steward", "texts", "fr", "questions", 1, "answers", 0),
    ]
    for path in places:
        agreed(js, json_with(value, path, f"Ada{letter}"))


def test_keys_that_no_browser_may_use(js: Node) -> None:
    value = json.loads(sound("plain").election.raw)
    for key in (GROUP.identity.text, "00" * 32, value["public_key"].upper(), value["public_key"][:-2]):
        assert agreed(js, {**value, "public_key": key})[1] == "S1"
    wide = sound("belenios").election.raw
    assert verdict(lambda: js.call("election", hex=wide.hex())) == ("MalformedError", "S1")


def test_the_fingerprint_of_link_or_sheet_must_be_the_elections(js: Node) -> None:
    election = sound("plain").election
    js.call("election", hex=election.raw.hex(), fingerprint=election.fingerprint)
    for wrong in (
        election.fingerprint[:-1],
        election.fingerprint.lower(),
        "",
        sound("blank").election.fingerprint,
    ):
        assert verdict(lambda w=wrong: js.call("election", hex=election.raw.hex(), fingerprint=w)) == (
            "RejectedError",
            "B3",
        )


def test_all_texts(js: Node) -> None:
    raw = sound("presented").election.raw
    found = js.call("texts", hex=raw.hex())
    assert [texts["language"] for texts in found] == ["en", "es", "fr"]
    assert found[0]["questions"][1]["answers"] == ["Yes", "No"]
    assert found[2]["questions"][1]["answers"] == ["Oui", "Non"]
    assert js.call("texts", hex=sound("plain").election.raw.hex())[0]["language"] == ""
