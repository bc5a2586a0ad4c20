"""Builds whole elections in memory, with `crypto` only, so that a test changes one thing and asks for the verdict.

`simulate(Spec(...))` makes a sound election: archive, journal, keys, credentials, receipts. Everything but the sealed
letters between threshold trustees, which are in neither chain, follows from the spec; so equal specs give equal bytes.
`sound("weighted")` gives one of the KINDS, made once in each process.

To break something, change `entries` (the ballot box: events with their data) or `acts` (the journal) and build again:

    broken = election.with_entries(change_json(election.entries, 0, "election", lambda e: {**e, "name": "x"}))
    broken.archive, broken.journal

Building repairs what belongs to the chains: names, headers, parents, heights, and the hashes by which a payload names
the data before it. `rebuild(entries, repair=False)` leaves the payloads as they are.
"""

import base64
import hashlib
import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cache, cached_property
from random import Random
from typing import Any, Literal, NamedTuple

from crypto.archive import Event, RecordParser, encode_event, encode_header_record, encode_record
from crypto.ballot import Ballot, ballot_tracker, make_ballot, parse_ballot, votes_from_choices
from crypto.credentials import derive_public, encode_credential_list
from crypto.decryption import (
    Owned,
    PartialDecryption,
    make_partial_decryption,
    make_strong_proofs,
    parse_partial_decryption,
)
from crypto.election import Election, encode_election, parse_election
from crypto.encoding import BASE58, encode_json, encode_json_bytes, sha256_hex
from crypto.groups import Group, get_group
from crypto.journal import SERVICE, JournalLine
from crypto.pedersen import (
    PedersenParams,
    assemble,
    coefficient_commitment,
    make_certificate,
    make_coefficients,
    make_vinput,
    make_voutput,
    open_private_key,
)
from crypto.presentation import (
    Candidate,
    Majority,
    Order,
    Presentation,
    QuestionTexts,
    RecordTerms,
    Texts,
)
from crypto.questions import MOST, HomomorphicQuestion, NonHomomorphicQuestion
from crypto.randomness import CREDENTIAL_GROUPS, SeedCoins
from crypto.receipt import Receipt, ServiceKey, make_receipt
from crypto.record import DATA_BEFORE, make_setup
from crypto.result import Result, compute_result, encode_result, verify_result
from crypto.shuffle import apply_shuffle, make_shuffle
from crypto.tally import EncryptedTally, SizedTally, TallyAccumulator, encode_encrypted_tally
from crypto.trustees import (
    TrusteeKey,
    Trustees,
    election_public_key,
    encode_trustees,
    generate_key,
    make_drill,
)

TIMESTAMP = 1_700_000_000

Choices = tuple[tuple[int, ...] | Literal["blank"], ...]
_LARGEST_SEARCH = 10_000
# How far an election has come. "tallying" has partial decryptions and no result.
STAGES = ("setup", "open", "closed", "tallying", "tallied", "certified")


class Threshold(NamedTuple):
    """A group of `size` trustees, any `needed` of whom decrypt."""

    needed: int
    size: int


TrusteeSpec = Literal["single"] | Threshold
SINGLE: Literal["single"] = "single"


@dataclass(frozen=True)
class Spec:
    """What is simulated. Hashable, so that a sound election is made once.

    votes: (voter's number from 0, choices for each question) in the order of casting; by default every voter but the
    last casts one ballot, then the first `revotes` voters cast again.
    decrypting: owner numbers; by default every single trustee and the last `needed` of each threshold group.
    is_bound: the election data name the service key, and say whether a vote is final (`record` of `steward`); the
    journal lists the booth's files before it is opened. So does our server; older elections have neither.
    revoting: whether a vote may be changed, as journal and election data say; by default whether somebody does.
    """

    questions: tuple[HomomorphicQuestion | NonHomomorphicQuestion, ...]
    group: str = "Ed25519"
    voters: int = 4
    weights: tuple[int, ...] | None = None
    trustees: tuple[TrusteeSpec, ...] = (SINGLE,)
    votes: tuple[tuple[int, Choices], ...] | None = None
    revotes: int = 0
    decrypting: tuple[int, ...] | None = None
    stage: str = "tallied"
    name: str = "Officers of Local 12"
    seed: int = 1
    presentation: Presentation | None = None
    is_bound: bool = False
    revoting: bool | None = None


# --- chance that can be repeated ---------------------------------------------------------------------------------


def coins_for(seed: object, label: str) -> SeedCoins:
    """Coins that depend on nothing but these two."""
    return SeedCoins(hashlib.sha256(f"steward simulator|{seed}|{label}".encode()).digest())


def base58(chance: Random, length: int) -> str:
    """Base58 text by that chance."""
    return "".join(chance.choice(BASE58) for _ in range(length))


def credential_text(chance: Random) -> str:
    """A voter's credential by that chance."""
    return "-".join(base58(chance, length) for length in CREDENTIAL_GROUPS)


# --- the ballot box ----------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Entry:
    """An event with the bodies of its data records, the last one its payload.

    `event` is the exact text of the event record where it shall not be computed.
    """

    type: str
    bodies: tuple[bytes, ...] = ()
    event: bytes | None = None

    def body(self, role: str) -> bytes:
        """The body with that name in `crypto.record.DATA_BEFORE`, such as "ballot" or "sized_tally"."""
        return self.bodies[DATA_BEFORE[self.type].index(role)]

    def with_body(self, role: str, body: bytes) -> "Entry":
        """The same entry with another body there."""
        index = DATA_BEFORE[self.type].index(role)
        return replace(self, bodies=(*self.bodies[:index], body, *self.bodies[index + 1 :]))


# Event type → (key in its payload, number of the body whose hash stands there)
_NAMED: dict[str, tuple[tuple[str, int], ...]] = {
    "Setup": (("election", 0), ("trustees", 1), ("credentials", 2)),
    "EncryptedTally": (("encrypted_tally", 0),),
    "PartialDecryption": (("payload", 0),),
    "Shuffle": (("payload", 0),),
}


def _repaired(entry: Entry) -> tuple[bytes, ...]:
    """The bodies, the payload naming the ones before it. A payload that names them already keeps its bytes."""
    named = _NAMED.get(entry.type, ())
    if not entry.bodies or len(entry.bodies) <= len(named):
        return entry.bodies
    try:
        payload = json.loads(entry.bodies[-1])
    except ValueError:
        return entry.bodies
    if not isinstance(payload, dict):
        return entry.bodies
    hashes = {key: sha256_hex(entry.bodies[index]) for key, index in named if key in payload}
    if all(payload[key] == digest for key, digest in hashes.items()):
        return entry.bodies
    return (*entry.bodies[:-1], encode_json_bytes({**payload, **hashes}))


def _build(entries: Sequence[Entry], timestamp: int, repair: bool) -> tuple[bytes, tuple[str, ...]]:
    parts = [encode_header_record(timestamp)]
    heads: list[str] = []
    for height, entry in enumerate(entries):
        bodies = _repaired(entry) if repair else entry.bodies
        payload = sha256_hex(bodies[-1]) if bodies else None
        event = entry.event or encode_event(Event(height, entry.type, heads[-1] if heads else None, payload))
        parts += [encode_record(body, "data", timestamp) for body in bodies]
        parts.append(encode_record(event, "event", timestamp))
        heads.append(sha256_hex(event))
    return b"".join(parts), tuple(heads)


def rebuild(entries: Sequence[Entry], timestamp: int = TIMESTAMP, *, repair: bool = True) -> bytes:
    """The archive of these entries, sound as a chain whatever stands in them."""
    return _build(entries, timestamp, repair)[0]


def heads_of(entries: Sequence[Entry], timestamp: int = TIMESTAMP, *, repair: bool = True) -> tuple[str, ...]:
    """The hash of each event."""
    return _build(entries, timestamp, repair)[1]


def read_entries(archive: bytes) -> tuple[Entry, ...]:
    """The entries of any well-framed archive, whatever they say and in whatever order."""
    entries: list[Entry] = []
    bodies: list[bytes] = []
    for record in RecordParser().feed(archive):
        if record.kind == "data":
            bodies.append(record.body)
        elif record.kind == "event":
            entries.append(Entry(json.loads(record.body)["type"], tuple(bodies), record.body))
            bodies = []
    return tuple(entries)


def change_json(
    entries: Sequence[Entry], index: int, role: str, change: Callable[[Any], Any]
) -> tuple[Entry, ...]:
    """The entries with one record's JSON value replaced by `change(value)`, written canonically."""
    entry = entries[index]
    body = encode_json_bytes(change(json.loads(entry.body(role))))
    return (*entries[:index], entry.with_body(role, body), *entries[index + 1 :])


# --- the journal -------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Act:
    """A journal line before it is chained. `box` is the height of the ballot box then, -1 before Setup.

    The payload of a seal is computed.
    """

    kind: str
    payload: dict[str, Any]
    actor: str = SERVICE
    box: int = -1


SEAL = "seal"


def rebuild_journal(acts: Iterable[Act], heads: Sequence[str], key: ServiceKey) -> tuple[bytes, ...]:
    """The journal's lines, each without its newline: heights, parents, heads and seals are computed."""
    lines: list[bytes] = []
    for height, act in enumerate(acts):
        parent = sha256_hex(lines[-1]) if lines else None
        box = min(act.box, len(heads) - 1)
        payload = {"signature": key.sign((parent or "").encode())} if act.kind == SEAL else act.payload
        head = heads[box] if box >= 0 else None
        lines.append(JournalLine(height, parent, box, head, act.kind, act.actor, payload).encode())
    return tuple(lines)


def join_lines(lines: Iterable[bytes]) -> bytes:
    """The published file."""
    return b"".join(line + b"\n" for line in lines)


# --- the simulated election --------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Simulation:
    """An election with everything that anybody in it knows."""

    spec: Spec
    election: Election
    trustees: Trustees
    # owner number → secret exponent
    secrets: dict[int, int]
    credentials: tuple[str, ...]
    service_key: ServiceKey
    entries: tuple[Entry, ...]
    acts: tuple[Act, ...]
    receipts: tuple[Receipt, ...]
    # voter → the ballot that counts
    counted: dict[int, Ballot]
    result: Result | None
    timestamp: int = TIMESTAMP

    @cached_property
    def archive(self) -> bytes:
        """`<uuid>.bel`"""
        return rebuild(self.entries, self.timestamp)

    @cached_property
    def heads(self) -> tuple[str, ...]:
        """The hash of each event."""
        return heads_of(self.entries, self.timestamp)

    @cached_property
    def journal_lines(self) -> tuple[bytes, ...]:
        """The journal's lines without newlines."""
        return rebuild_journal(self.acts, self.heads, self.service_key)

    @cached_property
    def journal(self) -> bytes:
        """`<uuid>.journal.jsonl`"""
        return join_lines(self.journal_lines)

    @property
    def group(self) -> Group:
        return self.election.group

    @property
    def ballots(self) -> tuple[bytes, ...]:
        """The payloads of all Ballot events, in order."""
        return tuple(entry.payload for entry in self._of_type("Ballot"))

    def _of_type(self, kind: str) -> list["_Payload"]:
        return [_Payload(entry) for entry in self.entries if entry.type == kind]

    def index(self, kind: str, number: int = 0) -> int:
        """Where the event of that type stands, by its number from 0 among them."""
        return [index for index, entry in enumerate(self.entries) if entry.type == kind][number]

    def weight(self, voter: int) -> int:
        """The weight of a voter's ballot."""
        return 1 if self.spec.weights is None else self.spec.weights[voter]

    @property
    def total_weight(self) -> int:
        """The weights of all ballots that count."""
        return sum(self.weight(voter) for voter in self.counted)

    def with_entries(self, entries: Iterable[Entry]) -> "Simulation":
        """The same election with another ballot box; the journal names its heads."""
        return replace(self, entries=tuple(entries))

    def with_acts(self, acts: Iterable[Act]) -> "Simulation":
        """The same election with another journal."""
        return replace(self, acts=tuple(acts))


@dataclass(frozen=True)
class _Payload:
    entry: Entry

    @property
    def payload(self) -> bytes:
        return self.entry.bodies[-1]


# --- trustees ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Ceremony:
    """The trustees with their secrets, and what each owner commits to before anybody reveals."""

    trustees: Trustees
    secrets: dict[int, int]
    commitments: tuple[str, ...]


@dataclass(frozen=True)
class KeyGeneration:
    """Everything that was said in making one threshold key: the roles of PROTOCOL §7, steps 1 to 6."""

    seeds: tuple[str, ...]
    certificates: list[dict[str, Any]]
    messages: list[dict[str, Any]]
    voutputs: list[dict[str, Any]]
    params: PedersenParams
    secrets: tuple[int, ...]


def generate_threshold_key(group: Group, threshold: Threshold, seed: object) -> KeyGeneration:
    """A whole distributed key generation through crypto.pedersen."""
    needed, size = threshold
    chance = Random(f"{seed} trustees' seeds")
    seeds = tuple(base58(chance, 22) for _ in range(size))
    coins = coins_for(seed, f"threshold {needed} of {size}")
    certificates = [make_certificate(group, s, size, needed, i, coins) for i, s in enumerate(seeds, 1)]
    messages = [make_coefficients(group, s, certificates, needed, i, coins) for i, s in enumerate(seeds, 1)]
    voutputs = [
        make_voutput(group, s, certificates, needed, make_vinput(messages, i), i, coins)
        for i, s in enumerate(seeds, 1)
    ]
    params = assemble(group, needed, certificates, messages, voutputs)
    secrets = tuple(
        open_private_key(group, s, out["private_key"]) for s, out in zip(seeds, voutputs, strict=True)
    )
    return KeyGeneration(seeds, certificates, messages, voutputs, params, secrets)


def _hold_ceremony(group: Group, specs: Sequence[TrusteeSpec], seed: int) -> _Ceremony:
    items: list[TrusteeKey | PedersenParams] = []
    secrets: list[int] = []
    commitments: list[str] = []
    for number, spec in enumerate(specs):
        if isinstance(spec, Threshold):
            made = generate_threshold_key(group, spec, f"{seed} item {number}")
            items.append(made.params)
            secrets += made.secrets
            commitments += [coefficient_commitment(message["coefexps"]) for message in made.messages]
        else:
            secret, key = generate_key(group, coins_for(seed, f"single {number}"))
            items.append(key)
            secrets.append(secret)
            commitments.append(sha256_hex(encode_json_bytes(key.encode())))
    return _Ceremony(Trustees(tuple(items)), dict(enumerate(secrets, 1)), tuple(commitments))


def enough_owners(trustees: Trustees) -> tuple[int, ...]:
    """A smallest set of owners that decrypts: the last ones of each threshold group."""
    owners: list[int] = []
    for item, span in trustees.spans():
        owners += span if isinstance(item, TrusteeKey) else list(span)[-item.threshold :]
    return tuple(owners)


# --- voting ------------------------------------------------------------------------------------------------------


def random_choices(
    question: HomomorphicQuestion | NonHomomorphicQuestion, chance: Random
) -> tuple[int, ...] | Literal["blank"]:
    """Any vote that the question allows."""
    if isinstance(question, NonHomomorphicQuestion):
        return tuple(chance.randint(0, MOST) for _ in question.answers)
    if question.blank and chance.random() < 0.3:
        return "blank"
    count = chance.randint(question.minimum, question.maximum)
    return tuple(sorted(chance.sample(range(len(question.answers)), count)))


def _default_votes(spec: Spec) -> tuple[tuple[int, Choices], ...]:
    chance = Random(f"{spec.seed} votes")
    voters = [*range(max(spec.voters - 1, 1)), *range(spec.revotes)]
    return tuple((voter, tuple(random_choices(q, chance) for q in spec.questions)) for voter in voters)


def _votes_of(spec: Spec) -> tuple[tuple[int, Choices], ...]:
    return spec.votes if spec.votes is not None else _default_votes(spec)


def _may_revote(spec: Spec) -> bool:
    if spec.revoting is not None:
        return spec.revoting
    votes = _votes_of(spec)
    return len(votes) > len(dict(votes))


def count_in_clear(spec: Spec, votes: Iterable[tuple[int, Choices]]) -> Result:
    """What the result must be: the last vote of each voter, by plain addition; ranks and grades in some order."""
    result: Result = [
        [] if isinstance(question, NonHomomorphicQuestion) else [0] * question.choice_count
        for question in spec.questions
    ]
    for voter, choices in dict(votes).items():
        weight = 1 if spec.weights is None else spec.weights[voter]
        for row, question, chosen in zip(result, spec.questions, choices, strict=True):
            if isinstance(question, NonHomomorphicQuestion):
                row.append(list(map(int, chosen)))
                continue
            places = [0] if chosen == "blank" else [c + int(question.blank) for c in chosen]
            for place in places:
                row[place] += weight
    return result


def in_one_order(spec: Spec, result: Result) -> Result:
    """The result with opened ballots sorted: a shuffle's order means nothing."""
    return [
        sorted(row) if isinstance(question, NonHomomorphicQuestion) else row
        for question, row in zip(spec.questions, result, strict=True)
    ]


# --- all of it ---------------------------------------------------------------------------------------------------


class _Book:
    """Box and journal in the making."""

    def __init__(self, uuid: str, key: ServiceKey) -> None:
        self.key = key
        self.entries: list[Entry] = []
        self.acts: list[Act] = []
        self.write("journal", {"version": 1, "election": uuid, "service_key": key.public})

    def append(self, kind: str, *bodies: bytes) -> None:
        self.entries.append(Entry(kind, bodies))

    def write(self, kind: str, payload: dict[str, Any], actor: str = SERVICE, *, seal: bool = False) -> None:
        box = len(self.entries) - 1
        self.acts.append(Act(kind, payload, actor, box))
        if seal:
            self.acts.append(Act(SEAL, {}, SERVICE, box))


_COMMITTEE = "committee:7"
_REGISTRAR = "registrar:8"


def _trustee(owner: int) -> str:
    return f"trustee:{100 + owner}"


@dataclass(frozen=True)
class _Scene:
    """Everything that is fixed before the first ballot."""

    book: _Book
    credentials: tuple[str, ...]
    ceremony: _Ceremony
    election: Election


def _set_up(spec: Spec) -> _Scene:
    """Roll, credentials, trustees, Setup, drills."""
    group = get_group(spec.group)
    chance = Random(f"{spec.seed} names")
    uuid = base58(chance, 14)
    credentials = tuple(credential_text(chance) for _ in range(spec.voters))
    key = ServiceKey(hashlib.sha256(f"service key {spec.seed}".encode()).digest())
    book = _Book(uuid, key)
    roll = {"roll": sha256_hex(f"roll {spec.seed}".encode()), "members": spec.voters}
    book.write("roll-frozen", {"at": "2026-11-02T09:00Z", **roll}, _COMMITTEE, seal=True)

    raw_credentials = encode_credential_list(
        group,
        [
            (derive_public(group, uuid, text), None if spec.weights is None else spec.weights[voter])
            for voter, text in enumerate(credentials)
        ],
    )
    published = {"credentials": sha256_hex(raw_credentials), "count": spec.voters, "mode": "registrar"}
    book.write("credentials-published", published, _REGISTRAR)

    ceremony = _hold_ceremony(group, spec.trustees, spec.seed)
    trustees = ceremony.trustees
    for owner, commitment in enumerate(ceremony.commitments, 1):
        payload = {"owner": owner, "commitment": commitment}
        book.write("trustee-committed", payload, _trustee(owner))
    for owner in ceremony.secrets:
        book.write("trustee-revealed", {"owner": owner}, _trustee(owner))

    raw_trustees = encode_trustees(trustees.items)
    presentation = spec.presentation
    if spec.is_bound:
        record = RecordTerms(key.public, _may_revote(spec))
        presentation = replace(presentation or Presentation(), record=record)
    raw_election = encode_election(
        uuid=uuid,
        name=spec.name,
        description="Yearly election, § 7 of the bylaws",
        group_name=spec.group,
        public_key=election_public_key(group, trustees),
        questions=spec.questions,
        administrator="Committee",
        credential_authority="Registrar",
        presentation=presentation,
    )
    election = parse_election(raw_election)
    setup = make_setup(raw_election, raw_trustees, raw_credentials)
    book.append("Setup", raw_election, raw_trustees, raw_credentials, setup)
    ready = {
        "at": "2026-11-02T10:00Z",
        "trustees": sha256_hex(raw_trustees),
        "fingerprint": election.fingerprint,
    }
    book.write("keys-ready", ready, _COMMITTEE, seal=True)
    for owner, secret in ceremony.secrets.items():
        nonce = sha256_hex(f"nonce {spec.seed} {owner}".encode())[:32]
        proof = make_drill(group, election.fingerprint, secret, nonce, coins_for(spec.seed, f"drill {owner}"))
        book.write("key-drill", {"owner": owner, "nonce": nonce, "proof": proof}, _trustee(owner))
    return _Scene(book, credentials, ceremony, election)


def simulate(spec: Spec) -> Simulation:
    """A sound election by that spec, up to its stage."""
    stage = STAGES.index(spec.stage)
    scene = _set_up(spec)
    book, credentials, election = scene.book, scene.credentials, scene.election
    votes = _votes_of(spec)
    counted: dict[int, Ballot] = {}
    result = None
    if stage >= STAGES.index("open"):
        opened = {
            "at": "2026-11-03T08:00Z",
            "closes_at": "2026-11-10T18:00Z",
            "revotes": _may_revote(spec),
        }
        if spec.is_bound:
            files = [["/static/booth/worker.js", sha256_hex(f"worker {spec.seed}".encode())]]
            book.write("booth-files", {"files": files})
        book.write("opened", opened, _COMMITTEE, seal=True)
        for number, (voter, choices) in enumerate(votes):
            raw = make_ballot(
                election,
                credentials[voter],
                votes_from_choices(election, list(choices)),
                coins_for(spec.seed, f"ballot {number} of voter {voter}"),
                coins_for(spec.seed, f"signature {number} of voter {voter}"),
            )
            book.append("Ballot", raw)
            counted[voter] = parse_ballot(election, raw)
    receipts = tuple(
        make_receipt(book.key, election.uuid, ballot_tracker(entry.bodies[-1]), height, head)
        for height, (entry, head) in enumerate(zip(book.entries, heads_of(book.entries), strict=True))
        if entry.type == "Ballot"
    )
    if stage >= STAGES.index("closed"):
        book.append("EndBallots")
        book.write("closed", {"at": "2026-11-10T18:00Z"}, SERVICE, seal=True)
    if stage >= STAGES.index("tallying"):
        result = _tally(spec, scene, counted, votes)
        if in_one_order(spec, result) != in_one_order(spec, count_in_clear(spec, votes)):
            raise AssertionError("the simulated tally is not the sum of its votes")
    if stage >= STAGES.index("tallied"):
        raw_result = encode_result(result or [])
        book.append("Result", raw_result)
        book.write("tallied", {"result": sha256_hex(raw_result)}, SERVICE, seal=True)
    if stage >= STAGES.index("certified"):
        certificate = {
            "at": "2026-11-12T19:30Z",
            "box_head": heads_of(book.entries)[-1],
            "result": sha256_hex(book.entries[-1].bodies[-1]),
            "statement": "We certify this result.",
        }
        book.write("certified", certificate, _COMMITTEE, seal=True)
    return Simulation(
        spec,
        election,
        scene.ceremony.trustees,
        scene.ceremony.secrets,
        credentials,
        book.key,
        tuple(book.entries),
        tuple(book.acts),
        receipts,
        counted,
        result if stage >= STAGES.index("tallied") else None,
    )


def _shuffle(spec: Spec, scene: _Scene, tally: EncryptedTally) -> EncryptedTally:
    """Every trustee shuffles in turn; what is to be decrypted."""
    book, election = scene.book, scene.election
    for owner in scene.ceremony.secrets:
        shuffle = make_shuffle(election, tally, coins_for(spec.seed, f"shuffle {owner}"))
        raw = shuffle.encode()
        book.append("Shuffle", raw, Owned(owner, sha256_hex(raw)).encode())
        tally = apply_shuffle(election, tally, shuffle)
    book.append("EndShuffles")
    return tally


def _tally(
    spec: Spec, scene: _Scene, counted: dict[int, Ballot], votes: Sequence[tuple[int, Choices]]
) -> Result:
    book, ceremony, election = scene.book, scene.ceremony, scene.election
    accumulator = TallyAccumulator(election)
    total = 0
    for voter, ballot in counted.items():
        weight = 1 if spec.weights is None else spec.weights[voter]
        accumulator.add(ballot, weight)
        total += weight
    tally = accumulator.tally()
    raw_tally = encode_encrypted_tally(election, tally)
    book.append("EncryptedTally", raw_tally, SizedTally(len(counted), total, sha256_hex(raw_tally)).encode())
    if election.shuffled_questions:
        tally = _shuffle(spec, scene, tally)
    partials: dict[int, PartialDecryption] = {}
    strong: list[tuple[int, dict[str, Any]]] = []
    for owner in spec.decrypting or enough_owners(ceremony.trustees):
        secret = ceremony.secrets[owner]
        coins = coins_for(spec.seed, f"decryption {owner}")
        raw = make_partial_decryption(election, tally, secret, coins)
        book.append("PartialDecryption", raw, Owned(owner, sha256_hex(raw)).encode())
        partials[owner] = parse_partial_decryption(election, tally, raw)
        strong.append((owner, make_strong_proofs(election, tally, secret, owner, coins)))
        book.write("strong-decryption", strong[-1][1], _trustee(owner))
    if not ceremony.trustees.is_enough(partials):
        raise AssertionError("a spec whose trustees cannot decrypt ends at stage 'closed'")
    if total <= _LARGEST_SEARCH:
        return compute_result(election, ceremony.trustees, tally, partials, total)
    # Searching takes seconds for great weights; whether a known result is right is seen at once.
    expected = count_in_clear(spec, votes)
    verify_result(election, ceremony.trustees, tally, partials, expected, total)
    return expected


# --- sound elections of each kind --------------------------------------------------------------------------------

YES_NO = HomomorphicQuestion(("Yes", "No"), 1, 1, "Shall the dues be raised?")
BOARD = HomomorphicQuestion(("Ada", "Björn", "Çelik"), 0, 2, "Who shall sit on the board?", blank=True)
OFFICERS = HomomorphicQuestion(("Ada", "Grace", "Joan"), 0, 2, "Up to two officers")

_BELENIOS = "BELENIOS-2048"
_ALL_SINGLE: tuple[TrusteeSpec, ...] = (SINGLE, SINGLE, SINGLE)
_BLANK: Literal["blank"] = "blank"
_PRESENTED = Presentation(
    "en",
    (
        Texts(
            "es",
            "Junta de la sección 12",
            "Elección anual, § 7 de los estatutos",
            (
                QuestionTexts("¿Quién formará la junta?", ("Ada", "Björn", "Çelik")),
                QuestionTexts("¿Se aumentan las cuotas?", ("Sí", "No")),
            ),
        ),
        Texts(
            "fr",
            "Bureau de la section 12",
            "Élection annuelle, § 7 des statuts",
            (
                QuestionTexts("Qui formera le bureau ?", ("Ada", "Björn", "Çelik")),
                QuestionTexts("Faut-il augmenter les cotisations ?", ("Oui", "Non")),
            ),
        ),
    ),
    (Majority.PLURALITY, Majority.TWO_THIRDS),
    50,
    orders=(Order.ROTATED, Order.FIXED),
    candidates=(
        (
            Candidate((("en", "Treasurer **since 2019**."), ("es", "Tesorera **desde 2019**.")), "0a" * 32),
            Candidate(),
            Candidate((("fr", "- Soudeuse\n- Déléguée"),)),
        ),
        (),
    ),
)
KINDS: dict[str, Spec] = {
    "plain": Spec((YES_NO,), votes=((0, ((0,),)), (1, ((1,),)), (2, ((0,),)))),
    "blank": Spec(
        (BOARD, YES_NO),
        trustees=(SINGLE, SINGLE),
        votes=((0, (_BLANK, (0,))), (1, ((), (1,))), (2, ((0, 2), (1,))), (3, ((1,), (0,)))),
        seed=2,
    ),
    "weighted": Spec(
        (YES_NO, BOARD),
        weights=(3, 1, 0, 2**30 + 5),
        votes=(
            (0, ((0,), _BLANK)),
            (3, ((1,), (0, 1))),
            (2, ((0,), (2,))),
            (1, ((0,), (2,))),
            (0, ((1,), (0,))),
        ),
        seed=3,
    ),
    "revotes": Spec((YES_NO,), revotes=2, trustees=_ALL_SINGLE, seed=4),
    "threshold": Spec((OFFICERS,), trustees=(Threshold(2, 3),), seed=5),
    "mixed": Spec((YES_NO,), trustees=(SINGLE, Threshold(2, 3)), seed=6),
    "empty": Spec((YES_NO, BOARD), votes=(), seed=7),
    "presented": Spec((BOARD, YES_NO), voters=3, presentation=_PRESENTED, seed=11, is_bound=True),
    "certified": Spec((YES_NO,), stage="certified", votes=((1, ((0,),)), (0, ((1,),)), (3, ((0,),))), seed=8),
    "belenios": Spec((YES_NO,), group=_BELENIOS, trustees=(SINGLE, SINGLE), voters=3, seed=9),
    "belenios-mixed": Spec(
        (BOARD,),
        group=_BELENIOS,
        weights=(2, 1, 5),
        trustees=(SINGLE, Threshold(2, 3)),
        voters=3,
        votes=((0, (_BLANK,)), (1, ((0, 1),)), (2, ((0,),)), (0, ((2,),))),
        seed=10,
    ),
}


# Ranked and graded questions: ballots are shuffled and opened one by one.
RANKING = NonHomomorphicQuestion(
    ("Ada", "Björn", "Çelik"), "Rank the candidates", {"method": "STV", "seats": 1}
)
RANKED_KINDS: dict[str, Spec] = {
    "ranked": Spec(
        (YES_NO, RANKING),
        trustees=(SINGLE, SINGLE),
        votes=(
            (0, ((0,), (1, 2, 3))),
            (1, ((1,), (3, 1, 2))),
            (2, ((0,), (0, 0, 0))),
            (0, ((1,), (2, 1, 0))),
        ),
        seed=31,
    ),
    "ranked-threshold": Spec((RANKING, RANKING), trustees=(Threshold(2, 3),), voters=6, seed=32),
    "ranked-rfc": Spec((RANKING,), group="RFC-3526-2048", voters=3, seed=33),
    "ranked-empty": Spec((RANKING,), trustees=(SINGLE, SINGLE), votes=(), seed=34),
}


@cache
def sound(kind: str) -> Simulation:
    """The sound election of that kind; made once in each process."""
    return simulate((KINDS | RANKED_KINDS)[kind])


@cache
def simulated(spec: Spec) -> Simulation:
    """`simulate`, made once for equal specs."""
    return simulate(spec)


# --- for tests that look for something in JSON -------------------------------------------------------------------

Path = tuple[str | int, ...]


def json_paths(value: Any, path: Path = ()) -> list[Path]:
    """The way to every value inside, the whole one first."""
    paths = [path]
    children: Iterable[tuple[str | int, Any]] = ()
    if isinstance(value, dict):
        children = value.items()
    elif isinstance(value, list):
        children = enumerate(value)
    for key, child in children:
        paths += json_paths(child, (*path, key))
    return paths


def json_at(value: Any, path: Path) -> Any:
    """The value at the end of the way."""
    for key in path:
        value = value[key]
    return value


def json_with(value: Any, path: Path, new: Any) -> Any:
    """A copy with another value there."""
    if not path:
        return new
    copy: Any = dict(value) if isinstance(value, dict) else list(value)
    copy[path[0]] = json_with(copy[path[0]], path[1:], new)
    return copy


def base64_text(data: bytes) -> str:
    """Unpadded base64, written without the code under test."""
    return base64.b64encode(data).decode().rstrip("=")


def canonical(value: Any) -> bytes:
    """Canonical JSON bytes of a value."""
    return encode_json(value).encode()
