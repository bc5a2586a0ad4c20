"""Archives that we made are accepted by belenios-tool, ballot by ballot."""

import json
from dataclasses import replace

import pytest

from crypto.ballot import check_ballot, make_ballot
from crypto.checker import PlainChecker
from tests.crypto.cheating import mauled_ballot, sign_again
from tests.interop.bench import Bench, judge
from tests.simulator import (
    BOARD,
    KINDS,
    RANKED_KINDS,
    SINGLE,
    STAGES,
    YES_NO,
    Simulation,
    Spec,
    Threshold,
    TrusteeSpec,
    coins_for,
    rebuild,
    simulate,
    simulated,
    sound,
)

PLAIN = Spec((YES_NO,), voters=3, votes=((0, ((0,),)), (2, ((1,),))))
BLANK = Spec((BOARD,), voters=3, votes=((0, ("blank",)), (1, ((0, 2),)), (2, ((),))))
WEIGHTED = Spec(
    (YES_NO, BOARD),
    voters=3,
    weights=(3, 0, 12),
    votes=((0, ((0,), (1,))), (1, ((0,), "blank")), (2, ((1,), "blank")), (0, ((1,), (0,)))),
)
BALLOTS = {"plain": PLAIN, "blank": BLANK, "weighted": WEIGHTED}
TRUSTEES: dict[str, tuple[TrusteeSpec, ...]] = {
    "one": (SINGLE,),
    "two": (SINGLE,) * 2,
    "three": (SINGLE,) * 3,
    "four": (SINGLE,) * 4,
    "five": (SINGLE,) * 5,
    "2-of-3": (Threshold(2, 3),),
    "3-of-5": (Threshold(3, 5),),
    "mixed": (SINGLE, Threshold(2, 3)),
    "2-of-2": (Threshold(2, 2),),
    "1-of-2": (Threshold(1, 2),),
    "two groups": (Threshold(1, 2), SINGLE, Threshold(2, 3)),
}
# Both columns of the table in one group; the other group takes each row with one column in turn.
EVERY = [(ballots, trustees) for trustees in TRUSTEES for ballots in BALLOTS]
IN_TURN = [(list(BALLOTS)[n % 3], trustees) for n, trustees in enumerate(TRUSTEES)]
IN_TURN += [("plain", "3-of-5"), ("blank", "2-of-3"), ("weighted", "one"), ("weighted", "mixed")]


def election(group: str, ballots: str, trustees: str) -> Simulation:
    return simulated(replace(BALLOTS[ballots], group=group, trustees=TRUSTEES[trustees], seed=50))


@pytest.mark.parametrize("ballots, trustees", EVERY)
def test_ed25519(bench33: Bench, ballots: str, trustees: str) -> None:
    simulation = election("Ed25519", ballots, trustees)
    bench33.put_archive(simulation.election.uuid, simulation.archive).verify()
    for ballot in simulation.ballots:
        bench33.verify_ballot(ballot)
    assert judge(simulation.archive) == simulation.result


@pytest.mark.parametrize("ballots, trustees", IN_TURN)
def test_belenios_2048(bench20: Bench, bench33: Bench, ballots: str, trustees: str) -> None:
    simulation = election("BELENIOS-2048", ballots, trustees)
    for bench in (bench20, bench33):
        bench.put_archive(simulation.election.uuid, simulation.archive).verify()
    for ballot in simulation.ballots:
        bench33.verify_ballot(ballot)
    assert judge(simulation.archive) == simulation.result


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != "belenios"])
def test_the_elections_that_other_tests_break_are_sound_to_others_too(bench33: Bench, kind: str) -> None:
    """A refusal in those tests must come from what they changed; "weighted" goes beyond 2^30."""
    simulation = sound(kind)
    bench33.put_archive(simulation.election.uuid, simulation.archive).verify()
    assert judge(simulation.archive) == simulation.result


@pytest.mark.parametrize("kind", RANKED_KINDS)
def test_ranked_ballots(bench20: Bench, bench33: Bench, kind: str) -> None:
    """Embedded, shuffled and opened one by one; 2.0 knows the multiplicative group only."""
    simulation = sound(kind)
    for bench in (bench20, bench33) if kind == "ranked-rfc" else (bench33,):
        bench.put_archive(simulation.election.uuid, simulation.archive).verify()
    for ballot in simulation.ballots:
        bench33.verify_ballot(ballot)
    assert judge(simulation.archive) == simulation.result


@pytest.mark.parametrize("stage", STAGES[:4])
@pytest.mark.parametrize("group", ["Ed25519", "BELENIOS-2048"])
def test_unfinished_archives(bench33: Bench, group: str, stage: str) -> None:
    simulation = simulate(replace(PLAIN, group=group, trustees=(SINGLE,), stage=stage, seed=51))
    bench33.put_archive(simulation.election.uuid, simulation.archive).verify()
    assert judge(simulation.archive) is None


# --- what must be refused by both --------------------------------------------------------------------------------


@pytest.mark.parametrize("group", ["Ed25519", "BELENIOS-2048"])
@pytest.mark.parametrize("ballots", ["plain", "blank"])
def test_a_mauled_ballot(bench33: Bench, group: str, ballots: str) -> None:
    """ATTACKS 1, in crypto (tests/crypto/test_ballot.py) and here."""
    simulation = simulate(replace(BALLOTS[ballots], group=group, stage="open", votes=(), seed=52))
    bench33.put_archive(simulation.election.uuid, simulation.archive)
    vote = [[1, 0]] if ballots == "plain" else [[0, 1, 0, 0]]
    raw = make_ballot(simulation.election, simulation.credentials[0], vote, coins_for(1, "maul"))
    bench33.verify_ballot(raw)
    for own in (None, simulation.credentials[1]):
        mauled = mauled_ballot(simulation.election, simulation.credentials[0], raw, own_credential=own)
        assert bench33.why_ballot_is_refused(mauled).startswith('"InvalidBallot"')
    # The thief's signature is good, so that only the proofs can have been refused.
    bench33.verify_ballot(sign_again(simulation.election, simulation.credentials[0], json.loads(raw)))


def test_a_broken_ballot_in_a_repaired_archive(bench20: Bench) -> None:
    """Version 2.0 is the one that always checks ballots (PROTOCOL §0): our repair must not be what it notices."""
    simulation = election("BELENIOS-2048", "plain", "one")
    place = simulation.index("Ballot")
    value = json.loads(simulation.ballots[0])
    proof = value["answers"][0]["individual_proofs"][0][0]
    proof["response"] = str((int(proof["response"]) + 1) % simulation.group.q)
    entry = simulation.entries[place]
    broken = entry.with_body("ballot", sign_again(simulation.election, simulation.credentials[0], value))
    sound_again = entry.with_body(
        "ballot",
        sign_again(simulation.election, simulation.credentials[0], json.loads(simulation.ballots[0])),
    )
    for replaced, is_sound in ((sound_again, True), (broken, False)):
        entries = [*simulation.entries[:place], replaced, *simulation.entries[place + 1 :]]
        bench20.put_archive(simulation.election.uuid, rebuild(entries))
        run = bench20.run("election", "verify", "--dir", bench20.folder, check=False)
        assert (run.returncode == 0) == is_sound


# --- our own field in the election data --------------------------------------------------------------------------


def test_the_field_of_our_own_is_ignored_by_all_versions(
    bench20: Bench, bench30: Bench, bench33: Bench
) -> None:
    """ADR 0005 and ADR 0009 rest on this: texts, rules, quorum and the record's terms change nothing for another
    verifier."""
    simulation = simulated(replace(KINDS["presented"], group="BELENIOS-2048"))
    assert b'"steward":{' in simulation.election.raw
    assert b',"record":{"service_key":"' in simulation.election.raw
    for bench in (bench20, bench30, bench33):
        bench.put_archive(simulation.election.uuid, simulation.archive).verify()
    for ballot in simulation.ballots:
        bench33.verify_ballot(ballot)
    assert judge(simulation.archive) == simulation.result


@pytest.mark.parametrize("group", ["Ed25519", "BELENIOS-2048"])
def test_their_ballots_name_the_fingerprint_of_our_field(bench33: Bench, group: str) -> None:
    simulation = simulated(replace(KINDS["presented"], group=group, stage="open", votes=()))
    bench33.put_archive(simulation.election.uuid, simulation.archive)
    raw = bench33.make_ballot(simulation.credentials[0], [[0, 1, 0, 1], [1, 0]])
    check_ballot(simulation.election, raw, PlainChecker(simulation.group))
    bench33.add_event("Ballot", [raw])
    bench33.verify()
    assert judge(bench33.archive) is None
