"""The application for a web server that is started by others: `gunicorn voting_app.wsgi:app` with
STEWARD_INSTANCE set.
"""

from voting_app.app import create_app
from voting_app.config import load_settings_from_environment

app = create_app(load_settings_from_environment())
