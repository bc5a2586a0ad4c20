"""From counts to an outcome: who has won under the rules that the election data name. Exact, and pure.

A tie is shown, never broken; a rule that is not met elects nobody.
"""

from crypto.counting.plurality import Outcome, QuestionOutcome, Quorum, Verdict, decide, decide_question

__all__ = ["Outcome", "QuestionOutcome", "Quorum", "Verdict", "decide", "decide_question"]
