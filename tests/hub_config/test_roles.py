"""Who may do what, cell by cell, as data; test_hub.py asks the running hub the same."""

import pytest

from hub_config.authenticator import authenticator_class
from hub_config.errors import WrongUse
from hub_config.roles import HUB_RIGHTS, PORTAL_RIGHTS, RIGHTS, groups, hub_roles, may

MATRIX = """
right                | trainee | instructor | analyst | engineer
use_own_server       | yes     | yes        | yes     | yes
open_portal          | yes     | yes        | yes     | yes
see_class            | no      | yes        | no      | no
stop_server_of_class | no      | yes        | no      | no
see_everybody        | no      | no         | no      | yes
stop_any_server      | no      | no         | no      | yes
read_metrics         | no      | no         | no      | yes
read_hub             | no      | no         | no      | yes
follow_class         | no      | yes        | no      | no
reset_class          | no      | yes        | no      | no
export_class         | no      | yes        | no      | no
revoke_badge         | no      | yes        | no      | no
ask_for_gold         | no      | no         | yes     | no
manage_accounts      | no      | no         | no      | yes
"""
HEAD, *LINES = [[cell.strip() for cell in line.split("|")] for line in MATRIX.strip().splitlines()]
CELLS = [(role, right, said == "yes") for right, *row in LINES for role, said in zip(HEAD[1:], row, strict=True)]


@pytest.mark.parametrize(("role", "right", "held"), CELLS)
def test_a_role_holds_exactly_its_rights(role, right, held):
    assert may(role, right) is held


def test_the_matrix_leaves_no_role_and_no_right_out():
    assert set(HEAD[1:]) == set(RIGHTS)
    assert {line[0] for line in LINES} == set(HUB_RIGHTS) | set(PORTAL_RIGHTS)


@pytest.mark.parametrize("role", RIGHTS)
def test_no_role_may_enter_servers_or_hold_tokens_of_others(role):
    scopes = {scope for one in hub_roles(role, ("spring",)) for scope in one.scopes}
    forbidden = (
        "access:servers",
        "admin",
        "tokens",
        "users!",
        "start:servers",
        "servers",
        "shares",
        "groups",
        "proxy",
        "shutdown",
    )
    assert not [scope for scope in scopes if scope.startswith(forbidden)]


def test_an_instructor_rules_each_own_class_and_no_other():
    scopes = {scope for one in hub_roles("instructor", ("spring", "autumn")) for scope in one.scopes}
    assert {scope.partition("!group=")[2] for scope in scopes if "!group=" in scope} == {"class-spring", "class-autumn"}


def test_instructors_of_a_class_do_not_rule_each_other():
    assert groups("instructor", ("spring",)) == ["role-instructor"]
    assert groups("trainee", ("spring",)) == ["role-trainee", "class-spring"]


def test_a_right_that_nobody_declared_is_an_error():
    with pytest.raises(KeyError):
        may("trainee", "fly")


@pytest.mark.parametrize(
    ("login", "said"),
    [("oidc", "the package oauthenticator"), ("lti", "the package ltiauthenticator"), ("magic", "roster, oidc or lti")],
)
def test_a_way_to_log_in_that_is_not_installed_is_said_in_a_sentence(login, said):
    with pytest.raises(WrongUse, match=said):
        authenticator_class(login)
