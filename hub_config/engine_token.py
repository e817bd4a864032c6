"""The token with which a person comes to the engine's door: the name, and a signature that only the door's key makes."""

import hashlib
import hmac
import re

NAME = re.compile(r"[A-Za-z0-9@._-]{1,100}")


def token_for(key: str, user: str) -> str:
    """The token of `user`; ValueError for a name that is none."""
    if not NAME.fullmatch(user):
        raise ValueError("Expected a user name of letters, digits and @._-, found something else.")
    return f"{user}.{_signature(key, user)}"


def user_of(key: str, token: str) -> str | None:
    """Whose token it is; None for one that this key did not sign."""
    user, _, signature = token.rpartition(".")
    known = NAME.fullmatch(user) and hmac.compare_digest(signature.encode(), _signature(key, user).encode())
    return user if known else None


def _signature(key: str, user: str) -> str:
    return hmac.new(bytes.fromhex(key), f"engine:{user}".encode(), hashlib.sha256).hexdigest()[:32]
