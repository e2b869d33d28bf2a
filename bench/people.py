"""The accounts every contestant has and the answer it gives about one; standard library only, for peers import it."""

from __future__ import annotations

from typing import Any

PASSWORD = "correct-horse-9"
# PASSWORD by argon2id with OWASP's parameters: 19 MiB, two passes, one lane.
MEMORY_KIB, PASSES, LANES = 19456, 2, 1
HASH = "$argon2id$v=19$m=19456,t=2,p=1$9vFKiyairJdXYs/B+TC6hw$8tMM3pQFf4qi5Bl3W28VtmiJYTS0UvLB7pC8FGker6w"


def name(number: int) -> str:
    """The user name of an account; every contestant's sign-in accepts it."""
    return f"user{number:07d}"


def address(number: int) -> str:
    """Its e-mail address."""
    return f"user{number:07d}@example.com"


def answer(number: int, uname: str, email: str | None) -> dict[str, Any]:
    """What userapp tells of an account without a picture: the same bytes for everybody, but for the address of it."""
    base = f"http://127.0.0.1:8000/avatar/default/%s/{number}.svg?name={uname[:1]}"
    pictures = {size: base % size for size in ("large", "middle", "small")}
    flat = {"uid": str(number), "uname": uname, "phone": None, "email": email, "gender": 0, "intro": ""}
    more = {"id": number, "name": "", "user_type": "student", "sex": "", "sex_flag": -1, "description": ""}
    flat["avatar"] = pictures["middle"]
    data = flat | more | {"avatar_more": {"lager": pictures["large"], **pictures}}
    return {"status": True, "code": 0, "msg": "", "data": data, **flat}
