from django import template

from web import public_ids


register = template.Library()


@register.filter
def public_id(number: int, prefix: str) -> str:
    """
    Return the public id of a number: {{ person.user_id|public_id:"prs" }}.
    """
    return public_ids.encode(prefix, number)


@register.filter
def keys_url(page: str, action: str) -> str:
    """
    Return the name of an action's address on the page of keys.
    """
    return f"accounts:{page}_{action}"
