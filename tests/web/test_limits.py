from web import limits


class TestLimits:
    def test_every_constant_is_explained_to_operators(self) -> None:
        units = {"KIB", "MIB", "LIMITS"}
        constants = {name for name in vars(limits) if name.isupper()} - units

        assert constants == {limit.name for limit in limits.LIMITS}

    def test_a_limit_shows_the_value_that_the_code_uses(self) -> None:
        by_name = {limit.name: limit.value for limit in limits.LIMITS}

        assert by_name["LEASE_S"] == limits.LEASE_S == 60
