from posthouse_sandbox import Credentials


def test_secrets_are_new_each_time_and_not_in_the_repr() -> None:
    first, second = Credentials(), Credentials()
    assert list(first.passwords) == list(first.tokens) == ["anna@sandbox.example", "joerg@sandbox.example"]
    assert set(first.passwords.values()).isdisjoint(second.passwords.values())
    assert set(first.tokens.values()).isdisjoint(second.tokens.values())
    for secret in (*first.passwords.values(), *first.tokens.values()):
        assert secret not in repr(first)
    assert "anna@sandbox.example" in repr(first)


def test_one_of_the_passwords_is_not_ascii() -> None:
    assert not all(password.isascii() for password in Credentials().passwords.values())
