"""The application for a web server that is started by others: `gunicorn voting_app.wsgi:app` with
STEWARD_INSTANCE set.
"""

from voting_app.app import create_app
from voting_app.booth import jobs as booth
from voting_app.config import load_settings_from_environment
from voting_app.context import get_context

app = create_app(load_settings_from_environment())

# There may be no timer on any host. If the program was upgraded while people vote, the journal hears of its new files
# before the first of them is served; the other workers, who ask at the same moment, find them there.
with app.app_context():
    booth.run_due(get_context())
