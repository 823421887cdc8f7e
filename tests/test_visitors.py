"""Whose conversations are whose."""

import pytest

from ui.visitors import COOKIE, cookie_header, has_cookie, new_cookie, owner_of


def test_a_browser_is_known_by_its_cookie() -> None:
    value = new_cookie()
    owner = owner_of({COOKIE: value})
    assert owner == owner_of({COOKIE: value, "other": "x"})
    assert value not in owner
    assert owner != owner_of({COOKIE: new_cookie()})
    assert owner != owner_of({COOKIE: value}, "ann")


@pytest.mark.parametrize("value", ["", "short", "g" * 32, "0" * 33, "0" * 32 + "\n"])
def test_what_is_no_cookie_of_ours_owns_nothing(value: str) -> None:
    assert owner_of({COOKIE: value}) == ""


def test_the_cookie_is_for_this_server_alone() -> None:
    header = cookie_header("0" * 32, secure=True)
    assert "HttpOnly" in header
    assert "SameSite=Lax" in header
    assert header.endswith("Secure")
    assert "Secure" not in cookie_header("0" * 32, secure=False)
    assert has_cookie(f"a=b; {COOKIE}={'0' * 32}")
    for none in ("", f"{COOKIE}=zz", "=;;,", f"{COOKIE}"):
        assert not has_cookie(none)
