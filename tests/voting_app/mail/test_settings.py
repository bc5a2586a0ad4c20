"""The settings of mail: wrong ones stop the start with a sentence, and none tells the password."""

from pathlib import Path

import pytest

from voting_app.config import SettingsError, load_settings

GOOD = {"STEWARD_SMTP_URL": "smtps://u:sesame@mail.example.org", "STEWARD_MAIL_FROM": "vote@example.org"}


def test_mail_is_off_unless_it_is_set_up(tmp_path: Path) -> None:
    settings = load_settings(tmp_path, {})
    assert (settings.smtp_url, settings.mail_from) == ("", "")
    settings = load_settings(tmp_path, GOOD)
    assert settings.smtp_url == "smtps://u:sesame@mail.example.org"
    assert "sesame" not in repr(settings)


@pytest.mark.parametrize(
    "changes, sentence",
    [
        ({"STEWARD_SMTP_URL": "smtp://u:sesame@mail.example.org"}, "a password is sent only encrypted"),
        ({"STEWARD_SMTP_URL": "mail.example.org:sesame"}, "smtp_url does not name a mail server"),
        ({"STEWARD_MAIL_FROM": ""}, "there must be mail_from"),
        ({"STEWARD_MAIL_FROM": "Elections <vote@example.org>"}, "mail_from must look like"),
        ({"STEWARD_MAIL_FROM": "vote@example.org\nBcc: eve@example.org"}, "mail_from must look like"),
        ({"STEWARD_ORGANISATION": "Local 12\r\nBcc: eve@example.org"}, "organisation has a sign"),
    ],
)
def test_wrong_settings_stop_the_start(tmp_path: Path, changes: dict[str, str], sentence: str) -> None:
    with pytest.raises(SettingsError, match=sentence) as refused:
        load_settings(tmp_path, GOOD | changes)
    assert "sesame" not in str(refused.value)


def test_a_value_of_the_wrong_kind_is_not_repeated_where_it_may_hold_a_password(tmp_path: Path) -> None:
    (tmp_path / "steward.toml").write_text('smtp_url = ["smtps://u:sesame@mail.example.org"]\n')
    with pytest.raises(SettingsError, match="smtp_url has the wrong type: list") as refused:
        load_settings(tmp_path, {})
    assert "sesame" not in str(refused.value)
