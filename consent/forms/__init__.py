from consent.forms.cars import CarForm
from consent.forms.rules import RulesForm


__all__ = ["CarForm", "RulesForm"]
