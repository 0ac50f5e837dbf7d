"""
The settings of the project with the costs that tests need not pay taken out.
"""

from config.environment import read_text
from config.settings import *  # noqa: F403 - every setting, then the exceptions below
from config.settings import DATABASES


DATABASES["default"]["TEST"] = {"NAME": "test_" + read_text("PARADO_TEST_NAME", "parado")}
DATABASES["default"]["CONN_MAX_AGE"] = 0
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
ALLOWED_HOSTS = ["testserver", "127.0.0.1", "localhost"]
# Each client of a test has middleware of its own, and WhiteNoise would list every file for it.
WHITENOISE_AUTOREFRESH = True
# WhiteNoise warns about a missing folder, and a warning is an error here.
STATIC_ROOT.mkdir(parents=True, exist_ok=True)
