"""The journal: each rule J1 to J6 and J10 with lines that keep it and lines that break it."""

import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from random import Random
from typing import Any

import pytest

from crypto.encoding import encode_json_bytes, sha256_hex
from crypto.errors import MisuseError, ProtocolError
from crypto.journal import (
    KINDS,
    RESTRICTED,
    SERVICE,
    SHARED_ACTS,
    STATE_CHANGES,
    JournalLine,
    JournalReader,
    act_subject,
    first_line,
    make_seal,
    next_line,
    parse_line,
)
from crypto.receipt import ServiceKey
from tests.crypto.refusals import refused
from tests.simulator import KINDS as ELECTIONS
from tests.simulator import SEAL, Act, json_at, json_paths, json_with, rebuild_journal, sound

KEY = ServiceKey(bytes(range(32)))
UUID = "AAAAAAAAAAAAAA"
HEADS = tuple(sha256_hex(bytes([n])) for n in range(10))
COMMITTEE, TRUSTEE, REGISTRAR = "committee:7", "trustee:101", "registrar:8"
AT = {"at": "2026-11-02T09:00Z"}
HASH, TRACKER = "ab" * 32, "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU"
PROOF = {"challenge": "1", "response": "2"}

# One sound payload of every kind, with an actor who may write it.
SAMPLES: dict[str, tuple[str, dict[str, Any]]] = {
    "journal": (SERVICE, {"version": 1, "election": UUID, "service_key": KEY.public}),
    "officers": (COMMITTEE, {"needed": 2, "certifiers": 3, "reason": ""}),
    "approval": (COMMITTEE, {"act": "paused", "subject": HASH}),
    "roll-frozen": (COMMITTEE, {**AT, "roll": HASH, "members": 60}),
    "credentials-published": (REGISTRAR, {"credentials": HASH, "count": 60, "mode": "registrar"}),
    "credentials-replaced": (REGISTRAR, {"credentials": HASH, "replaced": 2}),
    "trustee-committed": (TRUSTEE, {"owner": 1, "commitment": HASH}),
    "trustee-revealed": (TRUSTEE, {"owner": 1}),
    "trustees-restarted": (COMMITTEE, {"reason": "A key was lost."}),
    "keys-ready": (COMMITTEE, {**AT, "trustees": HASH, "fingerprint": TRACKER}),
    "key-drill": (TRUSTEE, {"owner": 1, "nonce": "00" * 16, "proof": PROOF}),
    "booth-files": (SERVICE, {"files": [["/static/booth/vote.js", HASH], ["/texts/en.json", HASH]]}),
    "opened": (SERVICE, {**AT, "closes_at": "2026-11-03T09:00Z", "revotes": False}),
    "paused": (COMMITTEE, {**AT, "reason": "Fire alarm"}),
    "resumed": (COMMITTEE, AT),
    "extended": (COMMITTEE, {**AT, "closes_at": "2026-11-04T09:00Z", "reason": "Snow"}),
    "closed": (SERVICE, AT),
    "cancelled": (COMMITTEE, {**AT, "reason": "Wrong ballot"}),
    "untalliable": (COMMITTEE, {**AT, "reason": "Two keys lost"}),
    "strong-decryption": (TRUSTEE, {"owner": 1, "proofs": [[PROOF, PROOF]]}),
    "tallied": (SERVICE, {"result": HASH}),
    "ballot-challenged": (SERVICE, {"tracker": TRACKER}),
    "complaint": (COMMITTEE, {**AT, "number": 1, "text": "The booth was closed at noon."}),
    "complaint-resolved": (COMMITTEE, {**AT, "number": 1, "text": "It was open."}),
    "tie-draw": (COMMITTEE, {**AT, "question": 1, "seed": "31 12 07"}),
    "reported": (COMMITTEE, {"report": HASH}),
    "certified": (COMMITTEE, {**AT, "box_head": HASH, "result": HASH, "statement": "Done."}),
    "seal": (SERVICE, {"signature": "A" * 85 + "A"}),
}


def act(kind: str, **fields: Any) -> Act:
    actor, payload = SAMPLES[kind]
    return Act(kind, {**payload, **fields}, actor)


def lines(acts: Iterable[Act]) -> tuple[bytes, ...]:
    return rebuild_journal([act("journal"), *acts], HEADS, KEY)


def read(raw: Sequence[bytes]) -> JournalReader:
    reader = JournalReader()
    for line in raw:
        reader.feed(line)
    return reader


def sealed(*kinds: str | Act) -> list[Act]:
    """Acts, each change of state followed by its seal."""
    acts: list[Act] = []
    for kind in kinds:
        one = act(kind) if isinstance(kind, str) else kind
        acts += [one, Act(SEAL, {})] if one.kind in STATE_CHANGES else [one]
    return acts


KEYS_MADE = ("roll-frozen", "trustee-committed", "trustee-revealed", "keys-ready")


# --- whole journals ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ELECTIONS)
def test_the_journal_of_a_sound_election_is_read(kind: str) -> None:
    simulation = sound(kind)
    reader = read(simulation.journal_lines)
    assert reader.state == ("certified" if kind == "certified" else "tallied")
    assert reader.election == simulation.election.uuid
    assert reader.service_key == simulation.service_key.public
    assert set(reader.commitments) == set(simulation.secrets)
    assert reader.lines_since_seal == 0


@pytest.mark.parametrize("kind", ["plain", "mixed", "certified"])
def test_the_writer_makes_the_lines_that_the_simulator_makes(kind: str) -> None:
    """Two ways to the same bytes: next_line and make_seal as the service uses them, and the repair of tests."""
    simulation = sound(kind)
    written: list[bytes] = []
    for one in simulation.acts:
        place = {"box_height": one.box, "box_head": simulation.heads[one.box] if one.box >= 0 else None}
        if not written:
            written.append(first_line(simulation.election.uuid, simulation.service_key.public))
        elif one.kind == SEAL:
            written.append(make_seal(written[-1], simulation.service_key, **place))  # type: ignore[arg-type]
        else:
            written.append(
                next_line(written[-1], kind=one.kind, actor=one.actor, payload=one.payload, **place)  # type: ignore[arg-type]
            )
    assert tuple(written) == simulation.journal_lines


# --- J1: the text ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("box", [-1, 3])
def test_lines_come_back(kind: str, box: int) -> None:
    actor, payload = SAMPLES[kind]
    line = JournalLine(5, HASH, box, HEADS[box] if box >= 0 else None, kind, actor, payload)
    assert parse_line(line.encode()) == line


LINE: dict[str, Any] = {
    "height": 5,
    "parent": HASH,
    "box_height": 2,
    "box_head": HASH,
    "kind": "resumed",
    "actor": COMMITTEE,
    "payload": AT,
}


@pytest.mark.parametrize(
    "change",
    [
        lambda v: {**v, "height": -1},
        lambda v: {**v, "height": "5"},
        lambda v: {**v, "height": True},
        lambda v: {**v, "parent": None},
        lambda v: {**v, "parent": HASH.upper()},
        lambda v: {**v, "box_height": -2},
        lambda v: {**v, "box_height": -1},
        lambda v: {k: x for k, x in v.items() if k != "box_head"},
        lambda v: {**v, "box_head": None},
        lambda v: {**v, "kind": None},
        lambda v: {**v, "kind": ["resumed"]},
        lambda v: {**v, "actor": 7},
        lambda v: {k: x for k, x in v.items() if k != "payload"},
        lambda v: {k: x for k, x in v.items() if k != "actor"},
        lambda v: {**v, "time": "12:00"},
        lambda v: dict(reversed(v.items())),
        lambda v: [v],
        lambda v: None,
    ],
)
def test_j1_a_line_has_one_shape(change: Callable[[Any], Any]) -> None:
    parse_line(encode_json_bytes(LINE))
    with refused("J1"):
        parse_line(encode_json_bytes(change(LINE)))


@pytest.mark.parametrize(
    "change",
    [
        lambda raw: raw + b"\n",
        lambda raw: raw.replace(b",", b", ", 1),
        lambda raw: raw[:-1],
        lambda raw: raw.replace(b'"height":5', b'"height":5.0', 1),
        lambda raw: raw.replace(b'"height":5', b'"height":5,"height":5', 1),
        lambda raw: b"",
        lambda raw: b"\xff" + raw,
        lambda raw: b"[" * 50_000,
    ],
)
def test_j1_a_line_is_canonical(change: Callable[[bytes], bytes]) -> None:
    with refused("J1"):
        parse_line(change(encode_json_bytes(LINE)))


# --- J2: the chain -----------------------------------------------------------------------------------------------


def test_j2_height_and_parent_follow() -> None:
    raw = lines([act("complaint"), act("complaint-resolved"), act("complaint", number=2)])
    read(raw)
    for broken in (
        [raw[0], *raw[2:]],
        [*raw[:2], raw[1]],
        [raw[0], raw[2], raw[1]],
        raw[1:],
        [*raw[:2], raw[3]],
    ):
        with refused("J2"):
            read(broken)
    value = json.loads(raw[2])
    for key, new in (("height", 3), ("height", 1), ("parent", HASH)):
        with refused("J2"):
            read([*raw[:2], encode_json_bytes({**value, key: new})])
    without = {k: v for k, v in value.items() if k != "parent"}
    with refused("J2"):
        read([*raw[:2], encode_json_bytes(without)])


def test_j2_the_first_line_and_only_it_announces_the_journal() -> None:
    with refused("J2", "announces"):
        read(rebuild_journal([act("complaint")], HEADS, KEY))
    with refused("J2", "announces"):
        read(lines([act("journal")]))
    value = json.loads(lines([])[0])
    with refused("J2"):
        read([encode_json_bytes({"height": 0, "parent": HASH, **{k: value[k] for k in list(value)[1:]}})])


def test_j2_the_box_only_grows_and_keeps_its_heads() -> None:
    def at(*boxes: int) -> list[Act]:
        return [replace(act("complaint", number=n), box=box) for n, box in enumerate(boxes, 1)]

    read(lines(at(-1, 0, 0, 3, 3, 9)))
    with refused("J2", "shorter"):
        read(lines(at(0, 3, 2)))
    with refused("J2", "shorter"):
        read(lines(at(0, -1)))
    raw = list(lines(at(0, 3)))
    value = json.loads(raw[-1])
    fork = {
        **value,
        "height": value["height"] + 1,
        "parent": sha256_hex(raw[-1]),
        "box_head": HEADS[4],
    }
    with refused("J2", "different heads"):
        read([*raw, encode_json_bytes(fork)])


# --- J3: kinds, payloads, actors ---------------------------------------------------------------------------------


FILES = [["/a", HASH], ["/b?lang=en", HASH]]


@pytest.mark.parametrize(
    "files",
    [
        None,
        {},
        [],
        [["/a", HASH]] * 2,
        FILES[::-1],
        [["a", HASH]],
        [["", HASH]],
        [["/a b", HASH]],
        [["/é", HASH]],
        [["/a\n", HASH]],
        [["/" + "a" * 500, HASH]],
        [["/a", "AB" * 32]],
        [["/a", None]],
        [[5, HASH]],
        [["/a", HASH, 1]],
        [["/a"]],
        ["/a"],
        [[f"/{n:04}", HASH] for n in range(1001)],
    ],
)
def test_j3_the_files_of_the_booth(files: Any) -> None:
    """Sorted and none twice, so that one set of files has one text."""
    parse_line(line_of("booth-files", {"files": FILES}))
    with refused("J3"):
        parse_line(line_of("booth-files", {"files": files}))


def test_samples_cover_every_kind() -> None:
    assert list(SAMPLES) == list(KINDS)


def line_of(kind: str, payload: Any, actor: str | None = None) -> bytes:
    return encode_json_bytes({**LINE, "kind": kind, "actor": actor or SAMPLES[kind][0], "payload": payload})


@pytest.mark.parametrize("kind", SAMPLES)
def test_j3_a_payload_has_exactly_its_fields(kind: str) -> None:
    payload = SAMPLES[kind][1]
    parse_line(line_of(kind, payload))
    wrong: list[Any] = [{**payload, "note": "x"}, {}, None, [payload], "text"]
    wrong += [{k: v for k, v in payload.items() if k != key} for key in payload]
    if len(payload) > 1:
        wrong.append(dict(reversed(payload.items())))
    for value in wrong:
        with refused("J3"):
            parse_line(line_of(kind, value))


@pytest.mark.parametrize("kind", SAMPLES)
def test_j3_every_field_has_its_form(kind: str) -> None:
    """No field takes a value of another kind: a journal must have no place to hide a name or a vote."""
    payload = SAMPLES[kind][1]
    for key, good in payload.items():
        bad: list[Any] = [None, {}, [], -1, "\x00" * 3000]
        bad += [not good] if not isinstance(good, bool) else [0, 1, "false"]
        bad += [str(good)] if isinstance(good, int) and not isinstance(good, bool) else []
        bad += [0, True] if isinstance(good, str) else []
        if kind == "strong-decryption" and key == "proofs":
            bad = [
                None,
                {},
                [PROOF],
                [[None]],
                [[{**PROOF, "x": "1"}]],
                [[{"challenge": 1, "response": "2"}]],
            ]
        if kind == "roll-frozen" and key == "members":
            bad = [value for value in bad if value is not False]
        for value in bad:
            with refused("J3"):
                parse_line(line_of(kind, {**payload, key: value}))


@pytest.mark.parametrize(
    "time",
    [
        "2026-11-02T09:00:30Z",
        "2026-11-02 09:00Z",
        "2026-11-02T09:00",
        "2026-11-02T09:00+01:00",
        "2026-11-02T9:00Z",
        "2026-11-02T09:00Z\n",
        "2026-11-02T09:00z",
        "٢٠٢٦-11-02T09:00Z",
        1_700_000_000,
    ],
)
def test_j3_times_are_to_the_minute(time: Any) -> None:
    """Seconds would help to link people's acts to ballots."""
    with refused("J3", "minute"):
        parse_line(line_of("resumed", {"at": time}))


@pytest.mark.parametrize(
    "time, is_time",
    [
        ("2026-12-31T23:59Z", True),
        ("2026-01-01T00:00Z", True),
        ("2026-13-01T00:00Z", False),
        ("2026-00-01T00:00Z", False),
        ("2026-01-00T00:00Z", False),
        ("2026-01-32T00:00Z", False),
        ("2026-01-01T24:00Z", False),
        ("2026-01-01T29:00Z", False),
        ("2026-01-01T00:60Z", False),
    ],
)
def test_j3_times_are_on_the_calendar_and_the_clock(time: str, is_time: bool) -> None:
    """A program that turns the 32nd of the 13th month into a date would stop at a line that was called sound."""
    raw = line_of("resumed", {"at": time})
    if is_time:
        assert parse_line(raw).payload == {"at": time}
    else:
        with refused("J3", "minute"):
            parse_line(raw)


@pytest.mark.parametrize("kind", SAMPLES)
def test_j3_only_its_roles_write_a_kind(kind: str) -> None:
    roles = {"committee", "registrar", "trustee", "service", "member", "observer"}
    for role in roles:
        raw = line_of(kind, SAMPLES[kind][1], SERVICE if role == "service" else f"{role}:5")
        if role in KINDS[kind].roles:
            parse_line(raw)
        else:
            with refused("J3", "not written by"):
                parse_line(raw)


@pytest.mark.parametrize(
    "actor",
    [
        "",
        "committee",
        "committee:",
        "committee:07",
        "committee:-1",
        "Committee:7",
        "committee:7 ",
        "committee:Ada",
        "committee:7\n",
        "committee:12345678901",
    ],
)
def test_j3_an_actor_is_a_role_and_a_number(actor: str) -> None:
    """Never a name."""
    with refused("J3", "actor"):
        parse_line(line_of("resumed", AT, actor or ":"))


def test_j3_the_service_has_one_number() -> None:
    """Nothing follows the last seal, so a free number in it could be changed and nobody would see."""
    parse_line(line_of("seal", SAMPLES["seal"][1], "service:0"))
    with refused("J3", "service:0"):
        parse_line(line_of("seal", SAMPLES["seal"][1], "service:1"))


@pytest.mark.parametrize("kind", ["Resumed", "", "vote", "seal "])
def test_j3_an_unknown_kind_is_refused(kind: str) -> None:
    with refused("J3", "unknown kind"):
        parse_line(line_of(kind, AT, COMMITTEE))


def test_j3_the_writer_refuses_what_no_reader_would_accept() -> None:
    (first,) = lines([])
    with pytest.raises(MisuseError):
        next_line(first, box_height=-1, box_head=None, kind="resumed", actor=COMMITTEE, payload={})
    with pytest.raises(MisuseError):
        next_line(first, box_height=-1, box_head=None, kind="resumed", actor="Ada", payload=AT)


# --- J4: seals ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", STATE_CHANGES)
def test_j4_every_change_of_state_is_sealed_next(kind: str) -> None:
    path = {
        "roll-frozen": (),
        "keys-ready": KEYS_MADE[:-1],
        "opened": KEYS_MADE,
        "paused": (*KEYS_MADE, "opened"),
        "resumed": (*KEYS_MADE, "opened", "paused"),
        "extended": (*KEYS_MADE, "opened"),
        "closed": (*KEYS_MADE, "opened"),
        "tallied": (*KEYS_MADE, "opened", "closed"),
        "untalliable": (*KEYS_MADE, "opened", "closed"),
        "certified": (*KEYS_MADE, "opened", "closed", "tallied"),
        "cancelled": (),
    }[kind]
    before = sealed(*path)
    read(lines([*before, *sealed(kind), act("complaint")]))
    with refused("J4", "not followed by a seal"):
        read(lines([*before, act(kind), act("complaint")]))


def test_j4_a_seal_is_the_service_keys_signature_of_the_line_before() -> None:
    raw = list(lines(sealed("roll-frozen")))
    read(raw)
    value = json.loads(raw[-1])
    other = ServiceKey(bytes(32))
    signatures = [
        other.sign(value["parent"].encode()),
        KEY.sign(sha256_hex(raw[0]).encode()),
        KEY.sign(bytes.fromhex(value["parent"])),
        KEY.sign(b""),
    ]
    for signature in signatures:
        with refused("J4", "does not verify"):
            read([*raw[:-1], encode_json_bytes({**value, "payload": {"signature": signature}})])


def test_j4_the_end_is_sealed_too() -> None:
    """A journal cut off right after a change of state, before the service answered for it."""
    whole = lines(sealed("roll-frozen"))
    read(whole).close()
    with refused("J4", "not followed by a seal"):
        read(whole[:-1]).close()
    with refused("J1", "empty"):
        JournalReader().close()


def test_j4_an_extra_seal_is_welcome() -> None:
    reader = read(lines([act("complaint"), Act(SEAL, {}), act("complaint", number=2)]))
    assert reader.lines_since_seal == 1


def test_j4_a_changed_line_breaks_its_seal() -> None:
    """Repairing the chain after a change needs the service key."""
    raw = list(lines(sealed("roll-frozen", "complaint")))
    value = json.loads(raw[1])
    value["payload"]["members"] += 1
    forged = encode_json_bytes(value)
    seal = {**json.loads(raw[2]), "parent": sha256_hex(forged)}
    with refused("J4"):
        read([raw[0], forged, encode_json_bytes(seal)])


# --- J5: states --------------------------------------------------------------------------------------------------

# A way into every state.
WAYS: dict[str, tuple[str, ...]] = {
    "draft": (),
    "roll frozen": ("roll-frozen",),
    "keys ready": KEYS_MADE,
    "open": (*KEYS_MADE, "opened"),
    "paused": (*KEYS_MADE, "opened", "paused"),
    "closed": (*KEYS_MADE, "opened", "closed"),
    "tallied": (*KEYS_MADE, "opened", "closed", "tallied"),
    "certified": (*KEYS_MADE, "opened", "closed", "tallied", "certified"),
    "cancelled": ("cancelled",),
    "untalliable": (*KEYS_MADE, "opened", "closed", "untalliable"),
}
# Written from DESIGN §3, not from the table under test.
MAY_COME: dict[str, set[str]] = {
    "draft": {"roll-frozen", "cancelled"},
    "roll frozen": {"keys-ready", "cancelled"},
    "keys ready": {"opened", "cancelled"},
    "open": {"paused", "extended", "closed", "cancelled"},
    "paused": {"resumed", "extended", "closed", "cancelled"},
    "closed": {"tallied", "untalliable", "cancelled"},
    "tallied": {"certified", "cancelled"},
    "certified": set(),
    "cancelled": set(),
    "untalliable": set(),
}
ONLY_IN = {
    "credentials-published": {"roll frozen"},
    "credentials-replaced": {"roll frozen"},
    "trustee-committed": {"draft", "roll frozen"},
    "trustee-revealed": {"draft", "roll frozen"},
    "trustees-restarted": {"draft", "roll frozen"},
    "key-drill": {"keys ready"},
    "booth-files": {"keys ready", "open", "paused"},
    "strong-decryption": {"closed"},
    "ballot-challenged": {"open", "paused"},
    "reported": {"tallied"},
}


def test_j5_there_is_a_way_into_every_state() -> None:
    for state, way in WAYS.items():
        assert read(lines(sealed(*way))).state == state
    assert set(MAY_COME) == set(WAYS)
    assert set(ONLY_IN) == set(RESTRICTED)


@pytest.mark.parametrize("state", WAYS)
@pytest.mark.parametrize("kind", [*STATE_CHANGES, *RESTRICTED])
def test_j5_every_act_in_every_state(state: str, kind: str) -> None:
    before = sealed(*WAYS[state])
    allowed = kind in MAY_COME[state] if kind in STATE_CHANGES else state in ONLY_IN[kind]
    if kind == "keys-ready" and allowed:
        before += [act("trustee-committed"), act("trustee-revealed")]
    if kind == "trustee-revealed" and allowed:
        before += [act("trustee-committed")]
    raw = lines([*before, act(kind)])
    read(raw[:-1])
    if allowed:
        read(raw)
    else:
        with refused("J5", state):
            read(raw)


# --- J10: as many of the committee as were announced ---------------------------------------------------------------

SECOND, THIRD = "committee:8", "committee:9"
# The way to each act, in which the service closes at its time, and everything else is done by two.
DAY = "2026-11-03T09:00Z"


def approve(kind: str, actor: str = SECOND, **fields: Any) -> Act:
    """Another officer's approval of `act(kind, **fields)`."""
    return replace(
        act("approval", act=kind, subject=act_subject(kind, {**SAMPLES[kind][1], **fields})), actor=actor
    )


def by_committee(kind: str, **fields: Any) -> Act:
    return replace(act(kind, **fields), actor=COMMITTEE)


def way_by_two(kind: str, certifiers: int = 3) -> list[Act]:
    """A journal that says how many act, up to where `kind` may come."""
    before = {"roll-frozen": "draft", "opened": "keys ready", "resumed": "paused", "untalliable": "closed"}
    before |= {"certified": "tallied", "cancelled": "draft"}
    acts: list[Act] = [act("officers", certifiers=certifiers)]
    for step in WAYS[before.get(kind, "open")]:
        if step in SHARED_ACTS and step != "closed":
            acts.append(approve(step))
        one = act(step, at=DAY) if step == "closed" else act(step)
        acts += sealed(by_committee(step) if step in SHARED_ACTS and step != "closed" else one)
    return acts


@pytest.mark.parametrize("kind", SHARED_ACTS)
def test_j10_an_act_of_two(kind: str) -> None:
    raw = lines([*way_by_two(kind, 2), approve(kind), by_committee(kind), Act(SEAL, {})])
    reader = read(raw)
    reader.close()
    assert reader.officers == {"needed": 2, "certifiers": 2, "reason": ""}


@pytest.mark.parametrize("kind", SHARED_ACTS)
@pytest.mark.parametrize(
    "words, before",
    [
        ("needs", lambda kind: []),
        ("needs", lambda kind: [approve(kind), approve(kind, THIRD)]),
        ("own act", lambda kind: [approve(kind, COMMITTEE)]),
        ("not this", lambda kind: [replace(approve(kind), payload={"act": kind, "subject": HASH})]),
        (
            "not this",
            lambda kind: [
                replace(approve(kind), payload={**approve(kind).payload, "act": other})
                for other in SHARED_ACTS
                if other != kind
            ][:1],
        ),
        ("stands between", lambda kind: [approve(kind), act("complaint")]),
        ("twice", lambda kind: [approve(kind), approve(kind)]),
        ("different acts", lambda kind: [approve(kind), replace(act("approval"), actor=THIRD)]),
    ],
)
def test_j10_an_act_that_two_did_not_want(words: str, before: Callable[[str], list[Act]], kind: str) -> None:
    raw = lines([*way_by_two(kind, 2), *before(kind), by_committee(kind)])
    with refused("J10", words):
        read(raw)


def test_j10_what_was_approved_says_all_but_the_time() -> None:
    before = way_by_two("extended")
    later = {"closes_at": "2026-11-05T09:00Z"}
    read(lines([*before, approve("extended"), by_committee("extended", at="2026-11-02T10:00Z")]))
    for other in (later, {"reason": "Rain"}):
        with refused("J10", "not this"):
            read(lines([*before, approve("extended"), by_committee("extended", **other)]))


def test_j10_a_certification_has_its_own_number() -> None:
    before = way_by_two("certified", certifiers=3)
    read(lines([*before, approve("certified"), approve("certified", THIRD), by_committee("certified")]))
    with refused("J10", "needs 2 approvals"):
        read(lines([*before, approve("certified"), by_committee("certified")]))


def test_j10_an_approval_without_its_act() -> None:
    raw = lines([*way_by_two("paused"), approve("paused")])
    with refused("J10", "not followed"):
        read(raw).close()


def test_j10_the_service_only_closes_and_not_before_the_time() -> None:
    before = way_by_two("closed")
    read(lines([*before, act("closed", at=DAY)]))
    with refused("J10", "by the service"):
        read(lines([*before, act("closed", at="2026-11-03T08:59Z")]))
    longer = [*before, approve("extended"), by_committee("extended"), Act(SEAL, {})]
    read(lines([*longer, act("closed", at="2026-11-04T09:00Z")]))
    with refused("J10", "by the service"):
        read(lines([*longer, act("closed", at=DAY)]))
    with refused("J10", "by the service"):
        read(lines([*way_by_two("opened"), act("opened")]))


def test_j10_one_alone_for_a_reason() -> None:
    alone = act("officers", needed=1, certifiers=1, reason="The local has one officer.")
    reader = read(lines([alone, *sealed(*(WAYS["open"][:-1])), by_committee("opened")]))
    assert reader.officers == alone.payload
    with refused("J10", "needs 0"):
        read(lines([alone, approve("roll-frozen"), act("roll-frozen")]))


@pytest.mark.parametrize(
    "fields",
    [
        {"needed": 1},
        {"needed": 1, "certifiers": 1},
        {"needed": 1, "reason": "Small"},
        {"certifiers": 1},
        {"reason": "Why not"},
    ],
)
def test_j10_one_alone_without_a_reason(fields: dict[str, Any]) -> None:
    with refused("J10", "for a reason"):
        read(lines([act("officers", **fields)]))


def test_j10_it_is_said_at_the_start_and_once() -> None:
    for acts in ([act("complaint"), act("officers")], [act("officers"), act("officers")]):
        with refused("J10", "in line 1"):
            read(lines(acts))


def test_j10_a_journal_that_says_nothing_of_it() -> None:
    assert read(lines(sealed(*WAYS["open"]))).officers is None
    with refused("J10", "no line says"):
        read(lines([approve("roll-frozen"), act("roll-frozen")]))


# --- J6: commit before reveal ------------------------------------------------------------------------------------


def commit(owner: int, text: str = "") -> Act:
    return act("trustee-committed", owner=owner, commitment=sha256_hex(f"{owner} {text}".encode()))


def reveal(owner: int) -> Act:
    return act("trustee-revealed", owner=owner)


FROZEN = sealed("roll-frozen")
READY = sealed("keys-ready")


def test_j6_all_commit_then_all_reveal() -> None:
    read(lines([*FROZEN, commit(2), commit(1), commit(3), reveal(3), reveal(1), reveal(2), *READY]))


@pytest.mark.parametrize(
    "words, acts",
    [
        # ATTACKS 6: the last trustee must not choose after seeing the others.
        ("after another one had revealed", [commit(1), reveal(1), commit(2)]),
        ("without a commitment", [commit(1), reveal(2)]),
        ("without a commitment", [reveal(1)]),
        ("or twice", [commit(1), reveal(1), reveal(1)]),
        ("committed twice", [commit(1), commit(1, "again")]),
        # Copying another trustee's commitment, to copy what is revealed.
        ("repeats", [commit(1), act("trustee-committed", owner=2, commitment=sha256_hex(b"1 "))]),
        ("before every trustee", [commit(1), commit(2), reveal(1), *READY]),
        ("before every trustee", [commit(1), commit(2), *READY]),
        ("before every trustee", [commit(2), reveal(2), *READY]),
        ("before every trustee", [commit(1), commit(3), reveal(1), reveal(3), *READY]),
        ("before every trustee", READY),
    ],
)
def test_j6_what_is_out_of_turn(words: str, acts: list[Act]) -> None:
    with refused("J6", words):
        read(lines([*FROZEN, *acts]))


def test_j6_a_restart_forgets_who_committed_and_never_what() -> None:
    restart = act("trustees-restarted")
    first = [*FROZEN, commit(1), commit(2), reveal(1), restart]
    fresh = [commit(1, "new"), commit(2, "new"), reveal(1), reveal(2), *READY]
    assert set(read(lines([*first, *fresh])).commitments) == {1, 2}
    with refused("J6", "repeats"):
        read(lines([*first, commit(1)]))
    with refused("J6", "without a commitment"):
        read(lines([*first, commit(1, "new"), reveal(2)]))


# --- everything at once ------------------------------------------------------------------------------------------


def test_no_changed_value_of_a_journal_passes(rng: Random, samples: int) -> None:
    """Raw changes always break the chain; the next line or the seal shows them.

    The place in the ballot box that the very last line names is for whoever has the box (rule J8).
    """
    raw = list(sound("certified").journal_lines)
    for _ in range(samples):
        number = rng.randrange(len(raw))
        value = json.loads(raw[number])
        is_last = number == len(raw) - 1
        paths = [path for path in json_paths(value) if path]
        path = rng.choice([p for p in paths if not (is_last and p[0] in {"box_height", "box_head"})])
        old = json_at(value, path)
        if isinstance(old, bool):
            new: Any = not old
        elif isinstance(old, int):
            new = old + 1
        elif isinstance(old, str):
            new = old[:-1] + ("1" if old[-1:] != "1" else "2")
        else:
            new = [] if old else None
        broken = [*raw[:number], encode_json_bytes(json_with(value, path, new)), *raw[number + 1 :]]
        with pytest.raises(ProtocolError) as caught:
            read(broken)
        assert caught.value.rule.startswith("J")
        assert "journal line" in str(caught.value)


def test_removed_doubled_and_swapped_lines_are_found() -> None:
    raw = list(sound("certified").journal_lines)
    for number in range(len(raw) - 1):
        for broken in (
            raw[:number] + raw[number + 1 :],
            [*raw[: number + 1], raw[number], *raw[number + 1 :]],
            [*raw[:number], raw[number + 1], raw[number], *raw[number + 2 :]],
        ):
            with refused("J2"):
                read(broken)
