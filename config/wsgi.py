"""
The web process: gunicorn serves `config.wsgi:application`.
"""

import gc
import os

from django.core.exceptions import ImproperlyConfigured
from django.core.wsgi import get_wsgi_application
from django.urls import get_resolver

from config.environment import read_flag


os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
# Web processes that do not share the first two would refuse each other's sessions and ids; a
# receipt signed with a key that nobody keeps proves nothing later. A demo's proves nothing anyway.
for _name in ("SECRET_KEY", "PUBLIC_ID_KEY", *(() if read_flag("DEMO") else ("RECEIPT_KEY",))):
    if not os.environ.get(_name):
        _message = f"{_name} must be set in the environment before the web process starts"
        raise ImproperlyConfigured(_message)
application = get_wsgi_application()
# Reads every view now and not in the first request.
_ = get_resolver().url_patterns

# What is loaded by now stays: collections need not look at it again. A batch makes thousands of
# values that die with its answer, and was collected for seventy times (a fifth of its time).
gc.collect()
gc.freeze()
gc.set_threshold(50_000, 20, 20)
