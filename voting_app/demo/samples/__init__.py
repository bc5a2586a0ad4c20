"""The elections that ship with the project."""

import json
from dataclasses import dataclass
from importlib.resources import files
from typing import Any

from voting_app.demo.files import Source


@dataclass(frozen=True, slots=True)
class Sample:
    """An election's name and trustees; its files lie in the folder `folder` beside this one."""

    folder: str
    name: str
    description: str
    trustees: int
    threshold: int

    def read(self, file_name: str) -> Source:
        """One of roll.csv, questions.json and votes.csv."""
        return Source(file_name, files(__name__).joinpath(self.folder, file_name).read_bytes())

    def read_presentation(self) -> dict[str, Any]:
        """Other languages, rules of decision and quorum, as in the request that creates the election; {} without."""
        path = files(__name__).joinpath(self.folder, "presentation.json")
        presentation: dict[str, Any] = json.loads(path.read_bytes()) if path.is_file() else {}
        return presentation


SAMPLES = {
    "officers": Sample(
        "officers",
        "Election of officers, Local 417",
        "Officers for a term of three years and a question about the dues. One member, one vote; a cast vote is final.",
        trustees=3,
        threshold=2,
    ),
    "association": Sample(
        "association",
        "Annual meeting of the Nurses' Association",
        "Each chapter's delegate votes with the number of the chapter's members; until closing, the last vote counts.",
        trustees=5,
        threshold=3,
    ),
}
