"""The ordered list of checks: a table of contents of an audit.

The ids are the rule numbers of docs/protocol.md; each part of the record has a file here.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class CheckSpec:
    """A numbered check and what it says in words."""

    id: str
    title: str


CHECKS: tuple[CheckSpec, ...] = tuple(
    CheckSpec(*item)
    for item in (
        # the archive: audit/reader.py, crypto/archive.py, crypto/record.py
        ("A1", "records are framed canonically, and the file ends after one"),
        ("A2", "each record is named by the hash of its content"),
        ("A3", "the header record is of version 1, its timestamp a text"),
        ("A4", "each event stands right after exactly its data"),
        ("A5", "events have their fields and a known type"),
        ("A6", "events form one chain: heights and parents"),
        ("A7", "events come in the order of an election"),
        # setup.py
        ("S1", "election data are canonical and complete"),
        ("S2", "the setup names the records before it"),
        ("S3", "the list of trustees is canonical"),
        ("S4", "credentials are group members, none twice, no login among them"),
        ("S5", "the election key is the product of the trustees' keys"),
        ("S6", "no public key is used twice"),
        ("T1", "single trustees know their keys"),
        ("T2", "threshold trustees' certificates hold for this key generation"),
        ("T3", "threshold trustees signed their coefficients"),
        ("T4", "threshold trustees signed all certificates"),
        ("T5", "threshold keys follow from the coefficients, and their owners know them"),
        ("T6", "threshold trustees signed their keys"),
        # ballots.py
        ("B1", "ballots are canonical, with no field too many"),
        ("B2", "ballots name this election"),
        ("B3", "ballots were made for these election data"),
        ("B4", "each ballot's credential is in the list"),
        ("B5", "every element of a ballot is a member of the group"),
        ("B6", "the signed hash is the ballot's"),
        ("B7", "ballots are signed by their credentials"),
        ("B8", "every choice is proved to be 0 or 1"),
        ("B9", "every sum of choices is proved to be allowed"),
        ("B10", "blank votes are proved to choose nothing else"),
        ("B11", "no ballot stands twice"),
        ("B12", "nobody votes twice where the election data say that votes are final"),
        ("B13", "ranked and graded votes are proved to be known to their voters"),
        ("B14", "votes for lists are proved to be for candidates of one list"),
        # tally.py
        ("C1", "the encrypted tally is canonical, its elements in the group"),
        ("C2", "the number and weight of counted ballots are right"),
        ("C3", "the encrypted tally is that of the counted ballots"),
        ("H1", "as many ballots come out of each shuffle as went in, as elements of the group"),
        ("H2", "the proofs of shuffles are canonical"),
        ("H3", "each shuffle is proved to change nothing but the order"),
        ("D1", "each trustee decrypts at most once, and as itself"),
        ("D2", "partial decryptions are canonical, their elements in the group"),
        ("D3", "partial decryptions are proved"),
        ("D4", "partial decryptions have strong proofs (in the journal)"),
        ("D5", "enough trustees decrypted"),
        ("R1", "the result has a count for every choice"),
        ("R2", "the result is what the tally decrypts to"),
        ("R3", "the counts are possible with these votes"),
        ("R4", "opened ballots are what a voter encrypted"),
        # journal.py
        ("J1", "journal lines are canonical"),
        ("J2", "journal lines form one chain"),
        ("J3", "journal lines are of known kinds, written by those who may"),
        ("J4", "every change of state is sealed by the service key"),
        ("J5", "acts come in the order of an election's states"),
        ("J6", "trustees committed to their keys before anybody revealed"),
        ("J7", "enough trustees passed the key drill before opening"),
        ("J8", "the journal names the heads of this ballot box"),
        ("J9", "the journal tells the same as the ballot box"),
        ("J10", "as many of the committee wanted each act as the journal announced"),
        # package.py
        ("P1", "the package has its files and no other"),
        ("P2", "the numbers of the report agree with each other"),
        ("P3", "the report says what ballot box and journal say"),
        ("P4", "the report is the one that was certified"),
    )
)

ARCHIVE = ("A1", "A2", "A3", "A4", "A5", "A6", "A7")
THRESHOLD = ("T2", "T3", "T4", "T5", "T6")
BALLOTS = ("B1", "B2", "B3", "B4", "B5", "B6", "B7", "B8", "B9", "B10", "B11")
# Where the election data say whether votes are final.
FINALITY = ("B12",)
TALLY = ("C1", "C2", "C3")
DECRYPTION = ("D1", "D2", "D3")
RESULT = ("D5", "R1", "R2", "R3")
# Where ballots are ranked or graded: shuffled, and opened one by one.
RANKED_BALLOTS = ("B13",)
SHUFFLES = ("H1", "H2", "H3")
OPENED = ("R4",)
# Where lists are voted for.
LISTS = ("B14",)
PACKAGE = ("P1", "P2", "P3", "P4")
JOURNAL = ("J1", "J2", "J3", "J4", "J5", "J6", "J7", "J8", "J9")
# Where the journal says how many of the committee act.
OFFICERS = ("J10",)
