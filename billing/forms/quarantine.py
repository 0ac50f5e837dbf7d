"""
The form with which a person decides about a quarantined record.
"""

from django import forms
from django.utils.translation import gettext_lazy as _


REASON_CHARACTERS_MAX = 500


class DecideForm(forms.Form):
    """
    A reason in words; replaying needs none.
    """

    reason = forms.CharField(
        label=_("Reason"),
        help_text=_("Kept with your name. Needed to dismiss or to accept."),
        max_length=REASON_CHARACTERS_MAX,
        required=False,
        widget=forms.Textarea(attrs={"rows": 3}),
    )
