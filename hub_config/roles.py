"""Who may do what: roles as data, and the hub's scopes made from them.

Nobody may enter somebody else's server: no right here stands for `access:servers`, and no account is a hub admin.
"""

from dataclasses import dataclass

# What the hub itself enforces. {class} is each class of the person who holds the right.
HUB_RIGHTS = {
    "use_own_server": ("self",),
    "open_portal": ("access:services!service=academy",),
    "see_class": ("list:users!group=class-{class}", "read:users!group=class-{class}", "read:servers!group=class-{class}"),
    "stop_server_of_class": ("delete:servers!group=class-{class}",),
    "see_everybody": ("list:users", "read:users", "read:servers"),
    "stop_any_server": ("delete:servers",),
    "read_metrics": ("read:metrics",),
    "read_hub": ("read:hub",),
}
# What the portal asks about by may(): the hub has no scope for it.
PORTAL_RIGHTS = ("follow_class", "reset_class", "export_class", "revoke_badge", "ask_for_gold", "manage_accounts")

TRAINEE = frozenset({"use_own_server", "open_portal"})
RIGHTS: dict[str, frozenset[str]] = {
    "trainee": TRAINEE,
    "instructor": TRAINEE | {"see_class", "stop_server_of_class", "follow_class", "reset_class", "export_class", "revoke_badge"},
    "analyst": TRAINEE | {"ask_for_gold"},
    "engineer": TRAINEE | {"see_everybody", "stop_any_server", "read_metrics", "read_hub", "manage_accounts"},
}


@dataclass(frozen=True)
class HubRole:
    """A role as the hub stores it."""

    name: str
    scopes: tuple[str, ...]

    def as_model(self) -> dict[str, object]:
        return {"name": self.name, "scopes": list(self.scopes)}


def may(role: str, right: str) -> bool:
    """Whether a role holds a right; KeyError for one that nobody declared."""
    if right not in HUB_RIGHTS and right not in PORTAL_RIGHTS:
        raise KeyError(right)
    return right in RIGHTS[role]


def hub_roles(role: str, classes: tuple[str, ...]) -> list[HubRole]:
    """The hub's roles of a person: one of their own, and one a class where a right is about classes."""
    scopes = [scope for right in sorted(RIGHTS[role]) for scope in HUB_RIGHTS.get(right, ())]
    own = tuple(scope for scope in scopes if "{class}" not in scope)
    of_class = [scope for scope in scopes if "{class}" in scope]
    found = [HubRole("user", ("self",)), HubRole(f"academy-{role}", own)]
    if of_class:
        found += [
            HubRole(f"academy-{role}-{name}", tuple(scope.replace("{class}", name) for scope in of_class)) for name in classes
        ]
    return found


def groups(role: str, classes: tuple[str, ...]) -> list[str]:
    """The hub's groups of a person. Only those who learn are in their class's group, so instructors do not rule each other."""
    return [f"role-{role}"] + ([f"class-{name}" for name in classes] if role == "trainee" else [])
