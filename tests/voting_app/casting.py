"""Puts simulated elections into the application's database, so that tests can start where the voting starts."""

from datetime import timedelta

from sqlalchemy.orm import Session

from tests.simulator import TIMESTAMP, YES_NO, Simulation, Spec, simulated
from voting_app.context import Context
from voting_app.elections.models import BallotBox, Election, Organisation
from voting_app.ledger import service as ledger


def ballots_of(voters: int, *, seed: int = 50) -> Simulation:
    """An election in which each of `voters` has made one ballot."""
    votes = tuple((voter, ((voter % 2,),)) for voter in range(voters))
    return simulated(Spec((YES_NO,), voters=voters, votes=votes, stage="open", seed=seed))


def open_box(context: Context, simulation: Simulation, *, revoting: bool = False, state: str = "open") -> int:
    """Make the simulated election one of the application's, with nothing but its setup in the box; its ledger id."""
    with context.database.write() as session:
        organisation = Organisation(name="Local 12")
        session.add(organisation)
        session.flush()
        now = context.clock.now()
        election = Election(
            organisation_id=organisation.id,
            name=simulation.election.name,
            description="",
            group_name=simulation.election.group.name,
            revoting=revoting,
            credential_mode="registrar",
            time_zone="UTC",
            closes_at=now + timedelta(hours=1),
            opened_at=now,
            state=state,
            single_trustees=1,
            keys_drilled=True,
        )
        session.add(election)
        session.flush()
        uuid = simulation.election.uuid
        key = ledger.get_service_key(context.settings, uuid)
        session.add(
            BallotBox(election_id=election.id, ordinal=0, uuid=uuid, questions=[], service_key=key.public)
        )
        box_id = ledger.create_box(session, uuid, TIMESTAMP, service_key=key)
        add_entries(session, box_id, simulation, 1)
    return box_id


def add_entries(session: Session, box_id: int, simulation: Simulation, count: int | None = None) -> None:
    """Append the first `count` events of the simulation, all by default, without asking whether they are true."""
    for entry in simulation.entries[:count]:
        ledger.append(session, box_id, entry.type, entry.bodies)


def fill_box(context: Context, simulation: Simulation) -> int:
    """Put the whole ballot box of a simulation into the ledger, without an election around it; its ledger id."""
    with context.database.write() as session:
        box_id = ledger.create_box(
            session, simulation.election.uuid, TIMESTAMP, service_key=simulation.service_key
        )
        add_entries(session, box_id, simulation)
    return box_id
