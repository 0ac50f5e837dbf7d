from django.urls import URLPattern, URLResolver, path

from web import views


urlpatterns: list[URLPattern | URLResolver] = [
    path("design/", views.show_components, name="components"),
    path("theme/", views.choose_theme, name="theme"),
]
api_urlpatterns: list[URLPattern | URLResolver] = []
