"""Twenty deliberate faults, applied one by one to a copy of the source: `python -m tests.security.seeded_defects`.

Each must make the named tests fail, and without a fault they must pass: so it is known that the suite would notice.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
LEFT_OUT = (".git", ".venv", "instance", "__pycache__", ".mypy_cache", ".ruff_cache", ".pytest_cache", "bench")


@dataclass(frozen=True)
class Fault:
    """What is done to which file, and the tests that must notice it."""

    name: str
    tests: str
    edits: tuple[tuple[str, str, str], ...]


def fault(name: str, tests: str, *edits: tuple[str, str, str]) -> Fault:
    """A fault of one or more edits: file below userapp, text that stands there once, text in its place."""
    return Fault(name, tests, edits)


FAULTS = [
    fault(
        "captcha not spent by a wrong answer",
        "tests/auth/test_captcha.py",
        (
            "auth/captcha.py",
            "first = nonce is None or _first_try",
            "first = nonce is None or not right or _first_try",
        ),
    ),
    fault(
        "captcha looked up first and spent afterwards",
        "tests/auth/test_races.py",
        (
            "auth/captcha.py",
            "    with writing() as connection:\n        first = nonce is None or _first_try(connection, nonce)\n",
            "    first = nonce is None or unspent(given.cookie) is not None\n"
            "    with writing() as connection:\n        _ = nonce is None or _first_try(connection, nonce)\n",
        ),
    ),
    fault(
        "captcha checked after the account",
        "tests/auth/test_login.py",
        (
            "auth/services.py",
            "    user, account, known, wait = captcha.spend(answer, lambda within: "
            "_charge(within, kind, identifier, client))\n",
            "    with writing() as within:\n"
            "        user, account, known, wait = _charge(within, kind, identifier, client)\n",
        ),
        (
            "auth/services.py",
            "from ..extensions import db, reading\n",
            "from ..extensions import db, reading, writing\n",
        ),
        (
            "auth/services.py",
            "    if user.disabled:\n        raise AccountDisabled()",
            "    captcha.spend(answer)\n    if user.disabled:\n        raise AccountDisabled()",
        ),
    ),
    fault(
        "tries of a code counted without a limit",
        "tests/auth/test_reset.py",
        ("codes.py", '            .where(Code.attempts < current_app.config["CODE_TRIES"])\n', ""),
    ),
    fault(
        "guesses counted without a limit",
        "tests/auth/test_login.py",
        ("budgets.py", "where=over | (Budget.spent + _COST <= _MOST)", "where=Budget.spent >= 0"),
    ),
    fault(
        "no dummy hash for an unknown account",
        "tests/kernel/test_passwords.py",
        (
            "passwords.py",
            "    _matches(hasher, dummy, _secret(password), dummy)\n    return correct",
            "    return correct",
        ),
    ),
    fault(
        "password cut after 72 bytes",
        "tests/kernel/test_passwords.py",
        (
            "passwords.py",
            '.encode("utf-8", "surrogatepass")\n\n\n# --- policy',
            '.encode("utf-8", "surrogatepass")[:72]\n\n\n# --- policy',
        ),
    ),
    fault(
        "links built from the Host header",
        "tests/profile/test_info.py tests/avatar/test_upload.py tests/security/test_links.py",
        (
            "replies.py",
            'base, number = current_app.config["BASE_URL"], user.id',
            'base, number = __import__("flask").request.host_url.rstrip("/"), user.id',
        ),
    ),
    fault(
        "a list of addresses accepted",
        "tests/auth/test_recipients.py",
        (
            "identifiers.py",
            "            value.strip(), check_deliverability",
            '            value.split(",")[0].strip(), check_deliverability',
        ),
    ),
    fault(
        "every format of the image library",
        "tests/avatar/test_pictures.py",
        ("avatar/pictures.py", "Image.open(io.BytesIO(data), formats=FORMATS)", "Image.open(io.BytesIO(data))"),
    ),
    fault(
        "pixels not counted before decoding",
        "tests/avatar/test_pictures.py",
        (
            "avatar/pictures.py",
            "if max(width, height) > limits.max_side or not 0 < width * height <= most:",
            "if most == 0:",
        ),
    ),
    fault(
        "pictures not turned upright",
        "tests/avatar/test_pictures.py",
        ("avatar/pictures.py", "return picture.transpose(TURNS[turn]) if turn in TURNS else picture", "return picture"),
    ),
    fault(
        "the link to the picture taken away before the next one stands",
        "tests/avatar/test_storage.py",
        (
            "avatar/storage.py",
            "        self._next(user_id).replace(self._pointer(user_id))",
            "        self._pointer(user_id).unlink(missing_ok=True)\n        time.sleep(0.001)\n"
            "        self._next(user_id).replace(self._pointer(user_id))",
        ),
    ),
    fault(
        "sessions kept after a password change",
        "tests/auth/test_password.py",
        ("auth/password_change.py", "generation=User.generation + 1, **also", "**also"),
        ("auth/password_change.py", "    _end_others(user.id, caller.credential_id)\n", ""),
    ),
    fault(
        "sign-out forgets the cookie only",
        "tests/auth/test_logout.py",
        ("auth/services.py", "    credentials.end(caller.credential_id)\n", ""),
    ),
    fault(
        "a token refreshed as often as one asks",
        "tests/auth/test_tokens.py",
        (
            "credentials.py",
            "Credential.id == caller.credential_id, Credential.key_hash == hashed(caller.key))",
            "Credential.id == caller.credential_id)",
        ),
    ),
    fault(
        "codes stored as they are",
        "tests/auth/test_secrets_at_rest.py",
        (
            "codes.py",
            'its_mac=keys.mac(f"code:{purpose}", f"{number}:{target}:{code}")',
            "its_mac=code.encode()",
        ),
        (
            "codes.py",
            'keys.mac_matches(f"code:{row.purpose}", f"{row.id}:{row.target}:{normalised(code)}", row.mac)',
            "bool(row.mac == normalised(code).encode())",
        ),
    ),
    fault(
        "other sites may sign in and out",
        "tests/kernel/test_cross_site.py tests/security/test_cross_site.py",
        (
            "safeguards.py",
            "    if not _same_origin():\n",
            "    if credentials.came_by_cookie(request) and not _same_origin():\n",
        ),
    ),
    fault(
        "administration open to everybody who is signed in",
        "tests/security/test_doors.py",
        ("web.py", '    if current_user.user.user_type != "admin":\n', '    if current_user.user.user_type == "":\n'),
    ),
    fault(
        "somebody else's session ended by its public id",
        "tests/security/test_doors.py",
        (
            "auth/sessions.py",
            "Credential.user_id == caller.user_id, Credential.public_id == public_id",
            "Credential.public_id == public_id",
        ),
    ),
    fault(
        "a page to go on to anywhere",
        "tests/auth/test_login.py",
        ("web.py", ' or target.startswith(("//", "/\\\\")) or "\\\\" in target or len(target) > 500', ""),
    ),
]


def source(file: str, root: Path = ROOT) -> Path:
    """A file of the service."""
    return root / "userapp" / file


def apply(found: Fault, root: Path) -> dict[Path, str]:
    """Make the edits; what the files held before."""
    before: dict[Path, str] = {}
    for file, old, new in found.edits:
        path = source(file, root)
        text = path.read_text("utf-8")
        before.setdefault(path, text)
        assert text.count(old) == 1, f"{found.name}: {file} does not hold its text once"
        path.write_text(text.replace(old, new), "utf-8")
    return before


def run(tests: str, root: Path) -> int:
    """Run tests of the copy up to the first failure; pytest's exit status."""
    command = [sys.executable, "-m", "pytest", "-x", "-q", "-p", "no:cacheprovider", "-m", "not huge and not browser"]
    done = subprocess.run([*command, *tests.split()], cwd=root, capture_output=True, text=True, check=False)
    return done.returncode


def results() -> Iterator[tuple[str, bool]]:
    """Each fault and whether its tests, which pass without it, fail."""
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder) / "checkout"
        shutil.copytree(ROOT, root, ignore=shutil.ignore_patterns(*LEFT_OUT))
        for found in FAULTS:
            before = apply(found, root)
            noticed = run(found.tests, root) == 1
            for path, text in before.items():
                path.write_text(text, "utf-8")
            yield found.name, noticed
        selections = " ".join(sorted({path for found in FAULTS for path in found.tests.split()}))
        yield "the same tests without a fault pass", run(selections, root) == 0


def main() -> int:
    """Print a line for each fault; 0 if every one was noticed."""
    missed = 0
    for name, noticed in results():
        print("found " if noticed else "MISSED", name, flush=True)
        missed += not noticed
    return missed


if __name__ == "__main__":
    sys.exit(main())
