"""Makes as many voting sheets as the first argument says, for `tests.bench` to watch: a process of its own, so that its
memory is known."""

import sys

from paper.sheets import Layout, make_sheets
from tests.paper.making import code_number, occasion, sheet

_ADDRESS = "12 Long Street\nApartment 4\nSpringfield, IL 62701"


def main(count: int) -> None:
    sheets = [
        sheet(
            member_number=str(number),
            name=f"María-José Ñandú the {number}th",
            credential=code_number(number),
            address=_ADDRESS,
            language=("en", "es", "fr")[number % 3],
        )
        for number in range(count)
    ]
    document = make_sheets(occasion(organisation="Local 12"), sheets, Layout.A4)
    if not document.startswith(b"%PDF"):
        raise RuntimeError("no document was made")


if __name__ == "__main__":
    main(int(sys.argv[1]))
