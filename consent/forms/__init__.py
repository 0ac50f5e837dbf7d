from consent.forms.cars import CarForm, NameForm, OfferForm
from consent.forms.details import DetailsForm
from consent.forms.rules import RulesForm
from consent.forms.sending import write_form


__all__ = ["CarForm", "DetailsForm", "NameForm", "OfferForm", "RulesForm", "write_form"]
