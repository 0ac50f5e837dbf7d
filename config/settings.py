"""
All settings of Parado, read from the environment and nowhere else.
"""

import hashlib
import secrets
import sys
from pathlib import Path
from typing import Any

import django_stubs_ext
import font_manrope
import structlog
from csp.constants import NONE, SELF
from django.utils.translation import gettext_lazy as _

from config.environment import read_database, read_flag, read_list, read_number, read_text


django_stubs_ext.monkeypatch()

BASE_DIR = Path(__file__).resolve().parent.parent
VAR_DIR = Path(read_text("VAR_DIR", str(BASE_DIR / "var")))

DEBUG = read_flag("DEBUG")
# The demo world: passwords are printed, and staff may sign in without a second factor.
DEMO = read_flag("DEMO")
# Without a key each process makes its own: commands run, but config.wsgi refuses to serve.
SECRET_KEY = read_text("SECRET_KEY") or secrets.token_urlsafe(50)
PUBLIC_ID_KEY = read_number(
    "PUBLIC_ID_KEY", int.from_bytes(hashlib.sha256(SECRET_KEY.encode()).digest()[:7])
)
BASE_URL = read_text("BASE_URL", "http://127.0.0.1:8000")
ALLOWED_HOSTS = read_list("ALLOWED_HOSTS") or ["127.0.0.1", "localhost", "[::1]"]
IS_SECURE = BASE_URL.startswith("https://")

# ------------------------------------------------------------------ applications
APPS_OF_PARADO = ["portal", "billing", "marketplace", "consent", "accounts", "web"]
INSTALLED_APPS = [
    *APPS_OF_PARADO,
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    # The list of passkeys, a page of allauth's own, loads its tags.
    "django.contrib.humanize",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "csp",
    "django_htmx",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "lucide",
    "pgtrigger",
    "rest_framework",
]
MIDDLEWARE = [
    "web.middleware.StackRoomMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "web.middleware.RequestIdMiddleware",
    "csp.middleware.CSPMiddleware",
    "web.middleware.ProblemMiddleware",
    "web.middleware.NoStoreMiddleware",
    "django_structlog.middlewares.RequestMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "accounts.middleware.TimeZoneMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "accounts.middleware.RefusedFormMiddleware",
]
ROOT_URLCONF = "config.urls"
WSGI_APPLICATION = "config.wsgi.application"
ASGI_APPLICATION = "config.asgi.application"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
TEMPLATES: list[dict[str, Any]] = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.template.context_processors.i18n",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
        },
    },
]
FORM_RENDERER = "django.forms.renderers.TemplatesSetting"
INSTALLED_APPS.append("django.forms")

# ------------------------------------------------------------------ database
_DATABASE_URL = read_text("DATABASE_URL", "postgres://parado@127.0.0.1:5432/parado")
# Migrations need the owner of the tables; everything else runs as a role that can not
# edit the ledger.
_MIGRATES = sys.argv[1:2] == ["migrate"]
DATABASES = {
    "default": read_database(
        read_text("DATABASE_ADMIN_URL", _DATABASE_URL) if _MIGRATES else _DATABASE_URL
    ),
}

# Counts tries to sign in; in the database, so that every process counts the same.
CACHES = {
    "default": {
        "BACKEND": "django.core.cache.backends.db.DatabaseCache",
        "LOCATION": "web_cacheentry",
        "OPTIONS": {"MAX_ENTRIES": 100_000},
    },
}

# ------------------------------------------------------------------ people and sessions
AUTH_USER_MODEL = "accounts.User"
AUTHENTICATION_BACKENDS = ["allauth.account.auth_backends.AuthenticationBackend"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {
        "NAME": "django.contrib.auth.password_validation.MinimumLengthValidator",
        "OPTIONS": {"min_length": 10},
    },
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "/"
ACCOUNT_ADAPTER = "accounts.adapters.AccountAdapter"
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*"]
ACCOUNT_USER_MODEL_USERNAME_FIELD = None
# A code by mail ends every sign-up, so that nobody holds an account at another's address.
ACCOUNT_EMAIL_VERIFICATION = "mandatory"
ACCOUNT_EMAIL_VERIFICATION_BY_CODE_ENABLED = True
ACCOUNT_SIGNUP_FORM_CLASS = "accounts.forms.SignUpDetails"
ACCOUNT_EMAIL_SUBJECT_PREFIX = ""
ACCOUNT_LOGIN_BY_CODE_ENABLED = True
ACCOUNT_REAUTHENTICATION_TIMEOUT = 300
MFA_SUPPORTED_TYPES = ["totp", "webauthn", "recovery_codes"]
MFA_PASSKEY_LOGIN_ENABLED = True
MFA_WEBAUTHN_ALLOW_INSECURE_ORIGIN = not IS_SECURE
MFA_TOTP_ISSUER = "Parado"
SESSION_COOKIE_SECURE = IS_SECURE
SESSION_COOKIE_HTTPONLY = True
CSRF_COOKIE_SECURE = IS_SECURE
CSRF_COOKIE_HTTPONLY = True

# ------------------------------------------------------------------ language and time
LANGUAGE_CODE = "en"
LANGUAGES = [("en", _("English")), ("pt", _("Portuguese"))]
LOCALE_PATHS = [BASE_DIR / "locale"]
USE_I18N = True
USE_TZ = True
TIME_ZONE = "UTC"

# ------------------------------------------------------------------ files
STATIC_URL = "static/"
STATICFILES_DIRS: list[Path | tuple[str, Path]] = [
    BASE_DIR / "static",
    ("fonts/manrope", Path(font_manrope.font_directory)),
]
STATIC_ROOT = Path(read_text("STATIC_ROOT", str(VAR_DIR / "static")))
_MANIFEST = "whitenoise.storage.CompressedManifestStaticFilesStorage"
_PLAIN = "django.contrib.staticfiles.storage.StaticFilesStorage"
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": _MANIFEST if read_flag("STATIC_MANIFEST") else _PLAIN},
}
WHITENOISE_USE_FINDERS = not read_flag("STATIC_MANIFEST")
MEDIA_ROOT = VAR_DIR / "media"
DATA_UPLOAD_MAX_MEMORY_SIZE = 16 * 2**20

# ------------------------------------------------------------------ safety in the browser
SECURE_SSL_REDIRECT = IS_SECURE
SECURE_HSTS_SECONDS = 31_536_000 if IS_SECURE else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = IS_SECURE
SECURE_HSTS_PRELOAD = IS_SECURE
SECURE_REFERRER_POLICY = "same-origin"
SECURE_PROXY_SSL_HEADER = (
    ("HTTP_X_FORWARDED_PROTO", "https") if read_flag("BEHIND_TLS_PROXY") else None
)
CSRF_TRUSTED_ORIGINS = [BASE_URL]
CSRF_FAILURE_VIEW = "web.errors.csrf_failure"
X_FRAME_OPTIONS = "DENY"

# ------------------------------------------------------------------ Stripe
STRIPE_SECRET_KEY = read_text("STRIPE_SECRET_KEY")
# Used only while there is no key: the stand-in of `manage.py up`.
STRIPE_API_BASE = read_text("STRIPE_API_BASE", "http://127.0.0.1:8002")
STRIPE_WEBHOOK_SECRET = read_text("STRIPE_WEBHOOK_SECRET")
STRIPE_THIN_WEBHOOK_SECRET = read_text("STRIPE_THIN_WEBHOOK_SECRET")
# Browsers apply form-action to redirects too, and onboarding and payment leave by redirect.
_PAGES_OF_STRIPE = (
    ["https://connect.stripe.com", "https://checkout.stripe.com"]
    if STRIPE_SECRET_KEY
    else [STRIPE_API_BASE]
)
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [NONE],
        "script-src": [SELF],
        "style-src": [SELF],
        "img-src": [SELF, "data:"],
        "font-src": [SELF],
        "connect-src": [SELF],
        "manifest-src": [SELF],
        "form-action": [SELF, *_PAGES_OF_STRIPE],
        "frame-ancestors": [NONE],
        "base-uri": [NONE],
    },
}

# ------------------------------------------------------------------ receipts
# 32 random bytes in base64, with which receipts are signed; without it a demo's follows from
# SECRET_KEY, and config.wsgi refuses to serve anything else.
RECEIPT_KEY = read_text("RECEIPT_KEY")
# Public keys of earlier years, as /.well-known/receipt-keys.json gives their `x`.
RECEIPT_OLD_KEYS = read_list("RECEIPT_OLD_KEYS")
# Who answers for personal data, as receipts name them.
CONTROLLER = {
    "name": read_text("CONTROLLER_NAME", "Parado"),
    "address": read_text("CONTROLLER_ADDRESS", "Parado, Trondheim, Norway"),
    "email": read_text("CONTROLLER_EMAIL", "hello@parado.example"),
    "country": read_text("CONTROLLER_COUNTRY", "NO"),
}

# ------------------------------------------------------------------ API
REST_FRAMEWORK: dict[str, Any] = {
    "DEFAULT_AUTHENTICATION_CLASSES": ["accounts.authentication.ApiKeyAuthentication"],
    "EXCEPTION_HANDLER": "web.problems.handle",
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
    "DEFAULT_THROTTLE_CLASSES": ["web.throttling.ApiThrottle"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["rest_framework.parsers.JSONParser"],
    "DEFAULT_SCHEMA_CLASS": "web.openapi.Described",
    "DEFAULT_VERSIONING_CLASS": None,
    # The schema describes the API; OPTIONS is refused like any other unknown method.
    "DEFAULT_METADATA_CLASS": None,
    "UNAUTHENTICATED_USER": "django.contrib.auth.models.AnonymousUser",
    "TEST_REQUEST_DEFAULT_FORMAT": "json",
}
SPECTACULAR_SETTINGS = {
    "TITLE": "Parado API",
    "DESCRIPTION": "Consent, money and proof for the compute of parked cars.",
    "VERSION": "1",
    "OAS_VERSION": "3.1.0",
    "SERVE_INCLUDE_SCHEMA": False,
    "SERVE_PUBLIC": True,
    "SERVE_PERMISSIONS": ["rest_framework.permissions.AllowAny"],
    "SERVE_AUTHENTICATION": [],
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "COMPONENT_SPLIT_REQUEST": True,
    "POSTPROCESSING_HOOKS": ["web.openapi.define_shapes"],
}

# ------------------------------------------------------------------ mail
EMAIL_BACKEND = read_text("EMAIL_BACKEND", "django.core.mail.backends.console.EmailBackend")
EMAIL_HOST = read_text("EMAIL_HOST", "localhost")
EMAIL_PORT = read_number("EMAIL_PORT", 25)
EMAIL_HOST_USER = read_text("EMAIL_HOST_USER")
EMAIL_HOST_PASSWORD = read_text("EMAIL_HOST_PASSWORD")
EMAIL_USE_TLS = read_flag("EMAIL_USE_TLS")
DEFAULT_FROM_EMAIL = read_text("DEFAULT_FROM_EMAIL", "Parado <hello@parado.example>")

# ------------------------------------------------------------------ tasks
_BROKER_DIR = VAR_DIR / "broker"
CELERY_BROKER_URL = read_text("CELERY_BROKER_URL", "filesystem://localhost//")
CELERY_BROKER_TRANSPORT_OPTIONS: dict[str, Any]
if CELERY_BROKER_URL.startswith("filesystem:"):
    CELERY_BROKER_TRANSPORT_OPTIONS = {
        "data_folder_in": str(_BROKER_DIR / "messages"),
        "data_folder_out": str(_BROKER_DIR / "messages"),
        "control_folder": str(_BROKER_DIR / "control"),
        "polling_interval": 0.05,
    }
elif CELERY_BROKER_URL.startswith(("redis:", "rediss:")):
    CELERY_BROKER_TRANSPORT_OPTIONS = {"visibility_timeout": 300, "unacked_restore_interval": 5}
else:
    CELERY_BROKER_TRANSPORT_OPTIONS = {}

# ------------------------------------------------------------------ logs
LOG_LEVEL = read_text("LOG_LEVEL", "INFO")
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"format": "%(levelname)s %(name)s %(message)s"}},
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line"}},
    "root": {"handlers": ["stderr"], "level": LOG_LEVEL},
    # What Django says of 4xx answers, the request's own line says too; Stripe's library has two
    # lines for every call.
    "loggers": {"django.request": {"level": "ERROR"}, "stripe": {"level": "WARNING"}},
}
# Requests are logged as one JSON object each, with the id that the answer carries.
structlog.configure(
    processors=[
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.filter_by_level,
        structlog.processors.TimeStamper(fmt="iso"),
        structlog.processors.format_exc_info,
        structlog.processors.JSONRenderer(),
    ],
    logger_factory=structlog.stdlib.LoggerFactory(),
    cache_logger_on_first_use=True,
)
