"""The pictures in docs/screenshots are those of the views: none is missing, none is of a page that is no more."""

from tests.flows.gallery import VIEWS
from tests.flows.screenshots import DEVICES, FOLDER, encode_index, picture_name


def test_names_are_given_once() -> None:
    assert len({view.name for view in VIEWS}) == len(VIEWS)


def test_every_view_has_its_pictures() -> None:
    wanted = {picture_name(view, device.name) for view in VIEWS for device in DEVICES}
    assert {path.name for path in FOLDER.glob("*.webp")} == wanted, "make screenshots"
    assert (FOLDER / "README.md").read_text("utf-8") == encode_index(VIEWS), "make screenshots"
