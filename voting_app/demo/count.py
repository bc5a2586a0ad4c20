"""The plain count: what the votes file says, by addition, to be compared with what the encrypted election says.

Nothing here knows of encryption, ballots or the application: a mistake there cannot be repeated here.
"""

from collections.abc import Mapping, Sequence

from crypto.questions import HomomorphicQuestion
from voting_app.demo.files import Case, Vote

Counts = list[list[int]]


def count_votes(case: Case) -> Counts:
    """Per question the weight of each answer, blank first where it is allowed; a member's last row counts."""
    counts = [[0] * question.choice_count for question in case.questions]
    weights = case.weights
    for vote in _last_votes(case.votes).values():
        weight = weights[vote.member_number]
        for row, question, choice in zip(counts, case.questions, vote.choices, strict=True):
            if choice == "blank":
                row[0] += weight
            else:
                for answer in choice:
                    row[answer + (1 if question.blank else 0)] += weight
    return counts


def count_voters(case: Case) -> int:
    """How many members vote."""
    return len(_last_votes(case.votes))


def find_difference(
    questions: Sequence[HomomorphicQuestion], expected: Counts, result: Counts, guests: int
) -> str | None:
    """Why `result` is not `expected` with the votes of `guests` more voters of weight 1, or None if it can be.

    What guests chose stands in no file, so with guests the result only has to be one that they could have made.
    """
    if [len(row) for row in expected] != [len(row) for row in result]:
        return "the result has other questions or answers than the votes file"
    for number, (question, before, after) in enumerate(
        zip(questions, expected, result, strict=True), start=1
    ):
        more = [b - a for a, b in zip(before, after, strict=True)]
        if guests == 0 and any(more):
            return f"question {number}: the result says {after}, the votes file says {before}"
        if not _can_be_made(question, more, guests):
            return f"question {number}: {guests} further ballots cannot turn {before} into {after}"
    return None


def _can_be_made(question: HomomorphicQuestion, more: Sequence[int], guests: int) -> bool:
    blanks = more[0] if question.blank else 0
    answers = more[1:] if question.blank else more
    voters = guests - blanks
    return (
        all(0 <= count <= guests for count in more)
        and all(count <= voters for count in answers)
        and question.minimum * voters <= sum(answers) <= question.maximum * voters
    )


def _last_votes(votes: Sequence[Vote]) -> Mapping[str, Vote]:
    return {vote.member_number: vote for vote in votes}
