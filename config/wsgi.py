"""
The web process: gunicorn serves `config.wsgi:application`.
"""

import os

from django.core.exceptions import ImproperlyConfigured
from django.core.wsgi import get_wsgi_application


os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
for _name in ("SECRET_KEY", "PUBLIC_ID_KEY"):
    # Web processes that do not share these would refuse each other's sessions and ids.
    if not os.environ.get(_name):
        _message = f"{_name} must be set in the environment before the web process starts"
        raise ImproperlyConfigured(_message)
application = get_wsgi_application()
