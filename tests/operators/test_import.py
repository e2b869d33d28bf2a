"""Import: what speaks against a line is told by line, what does not is an account, and a stop loses nothing."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest
from sqlalchemy import func, insert

from tests.operators.conftest import generated, password_of
from userapp.extensions import db
from userapp.models import AuditEvent, User
from userapp.operators import creating, exporting, importing
from userapp.turns import turn


@pytest.fixture
def users(app):
    """What is stored of every account, by user name."""

    def look():
        with app.app_context():
            rows = db.session.execute(db.select(*User.__table__.c)).all()
        return {row.uname: row for row in rows}

    return look


def report(path):
    with Path(path).open(encoding="utf-8", newline="") as file:
        return [(int(row["line"]), row["column"], row["problem"]) for row in csv.DictReader(file)]


def test_old_passwords_sign_in_once_and_are_hashed_anew(client, told, table, users):
    assert told("users", "import", str(table(generated(8))))["created"] == 8
    before = users()
    assert {row.password_hash.partition("$")[0] for row in before.values()} == {
        "pbkdf2_sha256",
        "scrypt:1024:8:1",
        "",
        "md5+",
    }
    for n in range(8):
        assert not client.login(f"person-{n}", "wrong-wrong").json["status"]
        assert client.login(f"person-{n}", password_of(n)).json["status"]
    after = users()
    assert all(row.password_hash.startswith("$argon2id$") for row in after.values())
    assert all(client.login(f"person-{n}", password_of(n)).json["status"] for n in range(8))


def test_every_column_is_stored_as_it_was_written(told, table, users):
    row = {
        "uid": "S2024-07", "uname": "Ning", "name": "宁 静", "user_type": "teacher", "phone": "138 1234 5678",
        "email": "Ning@Example.com", "email_verified": "true", "gender": "女", "intro": "one\ntwo, \"three\"",
        "language": "en", "disabled": "1", "created_at": "2020-02-29T08:00:00+08:00", "password_hash": "!unusable",
    }  # fmt: skip
    told("users", "import", str(table([row, {"uname": "plain"}])))
    ning, plain = users()["Ning"], users()["plain"]
    assert (ning.uid, ning.uname_key, ning.name, ning.user_type) == ("S2024-07", "ning", "宁 静", "teacher")
    assert (ning.phone, ning.email, ning.email_verified) == ("+8613812345678", "ning@example.com", True)
    assert (ning.gender, ning.intro, ning.language, ning.disabled) == (2, 'one\ntwo, "three"', "en", True)
    assert (ning.created_at.isoformat(), ning.password_hash) == ("2020-02-29T00:00:00+00:00", None)
    assert (plain.uid, plain.user_type, plain.phone, plain.email) == (str(plain.id), "student", None, None)


def test_an_account_number_that_is_taken_leads_to_a_longer_one(told, table, users):
    told("users", "import", str(table([{"uname": "ann", "uid": "2"}, {"uname": "ben", "uid": ""}])))
    assert users()["ben"].uid.startswith("2") and len(users()["ben"].uid) == 7


MALFORMED, TAKEN, ALIKE = "malformed", "taken", "look-alike"
BAD = [
    ({"uname": "good-1", "email": "good1@example.com"}, {}),
    ({"uname": "GOOD-1"}, {"uname": ALIKE}),
    ({"uname": "ｎｉｎｇ"}, {"uname": ALIKE}),
    ({"uname": "ning"}, {"uname": TAKEN}),
    ({"uname": "other", "email": "Ning@example.com", "phone": "138 1234 5678"}, {"phone": TAKEN, "email": TAKEN}),
    ({"uname": "13912345678"}, {"uname": MALFORMED}),
    ({"uname": "12"}, {"uname": MALFORMED}),
    ({"uname": "a@b.cn", "email": "x", "phone": "1"}, dict.fromkeys(("uname", "phone", "email"), MALFORMED)),
    ({"uname": "fine-1", "uid": "13912345678"}, {"uid": MALFORMED}),
    ({"uname": "fine-2", "uid": "Good-1"}, {"uid": ALIKE}),
    ({"uname": "fine-3", "gender": "9", "disabled": "perhaps"}, {"gender": MALFORMED, "disabled": MALFORMED}),
    ({"uname": "fine-4", "created_at": "soon", "user_type": "root"}, {"created_at": MALFORMED, "user_type": MALFORMED}),
    ({"uname": "fine-5", "password_hash": "hunter2"}, {"password_hash": MALFORMED}),
    ({"uname": "fine-6", "intro": "x" * 501, "name": "y" * 61}, {"name": MALFORMED, "intro": MALFORMED}),
    ({"uname": "fine-7", "name": "a\0b"}, {"": MALFORMED}),
    ({"uname": "good-2", "email": "good2@example.com"}, {}),
    ({"uname": "fine-8", "email": "good1@example.com"}, {"email": TAKEN}),
]


@pytest.fixture(params=["csv", "jsonl"])
def bad_file(request, tmp_path, make_user):
    """A file with everything that can be wrong, in both formats, and what its report must say."""
    make_user("ning", email="ning@example.com", phone="13812345678")
    columns = sorted({name for row, _ in BAD for name in row})
    path = tmp_path / f"bad.{request.param}"
    with path.open("w", encoding="utf-8", newline="") as file:
        if request.param == "csv":
            writer = csv.DictWriter(file, columns, lineterminator="\n", restval="")
            writer.writeheader()
            writer.writerows(row for row, _ in BAD)
        else:
            file.writelines(json.dumps(row) + "\n" for row, _ in BAD)
    first = 2 if request.param == "csv" else 1
    return path, [(first + n, *problem) for n, (_, problems) in enumerate(BAD) for problem in problems.items()]


def test_a_dry_run_tells_every_conflict_by_line_and_changes_nothing(app, told, bad_file, users):
    path, expected = bad_file
    with app.app_context():
        before = users(), db.session.query(func.count(AuditEvent.id)).scalar()
    done = told("users", "import", str(path), "--dry-run", status=1)
    assert (done["created"], done["refused"], done["dry_run"]) == (2, len(BAD) - 2, True)
    assert sorted(report(done["report"])) == sorted(expected)
    with app.app_context():
        assert before == (users(), db.session.query(func.count(AuditEvent.id)).scalar())


def test_the_import_itself_says_the_same_and_makes_the_rest(told, bad_file, users):
    path, expected = bad_file
    done = told("users", "import", str(path), status=1)
    assert (done["created"], done["refused"]) == (2, len(BAD) - 2)
    assert sorted(report(done["report"])) == sorted(expected)
    assert set(users()) == {"ning", "good-1", "good-2"}
    assert oct(Path(done["report"]).stat().st_mode & 0o777) == "0o600"


@pytest.mark.parametrize(
    "text,word",
    [("", "uname among them"), ("name,email\n", "uname among them"), ("uname,root\nx,1\n", "unknown column 'root'"),
     ("uname,uname\n", "twice"), ('"uname\n', "no CSV")],
)  # fmt: skip
def test_a_file_without_a_proper_first_line_is_refused_as_a_whole(run, tmp_path, text, word):
    path = tmp_path / "bad.csv"
    path.write_text(text, "utf-8")
    result = run("users", "import", str(path), status=1)
    assert word in result.stderr and len(result.stderr.splitlines()) == 1


def test_lines_that_cannot_be_read_do_not_hide_the_ones_behind_them(told, tmp_path, users):
    path = tmp_path / "odd.csv"
    lines = [
        b"\xef\xbb\xbfuname,name", b"ann,A", b"ben", b"c\xff\xfe,C", b'dan,"x"y', b"", b"eve," + b"z" * 200_000,
        b"fay,F",
    ]  # fmt: skip
    path.write_bytes(b"\r\n".join(lines))
    done = told("users", "import", str(path), status=1)
    assert set(users()) == {"ann", "fay"}
    assert {line for line, _, _ in report(done["report"])} == {3, 4, 5, 7}


def test_json_lines_that_cannot_be_read_do_not_hide_the_ones_behind_them(told, tmp_path, users):
    path = tmp_path / "odd.jsonl"
    odd = ["[1]", "{", "[" * 5000, '{"uname": {}}', '{"uname": "x", "admin": 1}', '{"uname": NaN}']
    odd += [
        json.dumps({"uname": "big", "name": "z" * 200_000}),
        '{"uname": "\\ud800x"}',
        '{"uname": ' + "9" * 5000 + "}",
    ]
    path.write_text("\n".join(['{"uname": "ann", "gender": 1}', *odd, "", '{"uname": "fay", "phone": null}']), "utf-8")
    done = told("users", "import", str(path), status=1)
    assert set(users()) == {"ann", "fay"} and done["refused"] == len(odd)


def test_a_chinese_file_of_another_encoding_can_be_named(told, tmp_path, users):
    path = tmp_path / "gbk.csv"
    path.write_bytes("uname,name\nning,宁静\n".encode("gbk"))
    assert told("users", "import", str(path), "--dry-run", status=1)["refused"] == 1
    told("users", "import", str(path), "--encoding", "gbk")
    assert users()["ning"].name == "宁静"


def test_what_is_exported_can_be_imported_elsewhere(make_app, told, table, tmp_path):
    told("users", "import", str(table(generated(5))))
    for name in ("all.csv", "all.jsonl"):
        exported = tmp_path / name
        assert told("users", "export", str(exported))["exported"] == 5
        assert oct(exported.stat().st_mode & 0o777) == "0o600" and "$" not in exported.read_text("utf-8")
        there = make_app(SQLALCHEMY_DATABASE_URI=f"sqlite:///{tmp_path}/{name}.sqlite")
        back = tmp_path / f"again-{name}"
        for args in (["import", str(exported)], ["export", str(back)]):
            assert there.test_cli_runner().invoke(args=["users", *args]).exit_code == 0
        assert back.read_bytes() == exported.read_bytes()


@pytest.mark.parametrize("format", ["csv", "jsonl"])
def test_an_export_that_died_goes_on_behind_its_last_page(app, run, told, table, tmp_path, monkeypatch, format):
    told("users", "import", str(table(generated(10))))
    whole, died = tmp_path / f"whole.{format}", tmp_path / f"died.{format}"
    told("users", "export", str(whole))
    monkeypatch.setattr(exporting, "PAGE", 3)
    pages = exporting._pages

    def two_and_a_half(after):
        for number, page in enumerate(pages(after)):
            if number == 2:
                raise KeyboardInterrupt
            yield page

    monkeypatch.setattr(exporting, "_pages", two_and_a_half)
    app.test_cli_runner().invoke(args=["users", "export", str(died)])
    assert not died.exists()
    with (tmp_path / f"died.{format}.part").open("a", encoding="utf-8") as half:
        half.write("half a li")
    monkeypatch.setattr(exporting, "_pages", pages)
    assert told("users", "export", str(died))["exported"] == 10
    assert died.read_bytes() == whole.read_bytes() and not list(tmp_path.glob("died*part*"))


def test_an_import_that_died_goes_on_without_loss_or_doubles(run, told, table, users, monkeypatch):
    people = list(generated(12))
    people[1]["uname"], people[7]["email"] = "12", "nobody"
    path = str(table(people))
    monkeypatch.setattr(importing, "BATCH", 3)
    store, times = importing._store, iter(range(100))

    def dies_in_the_third_batch(*args):
        if next(times) == 2:
            raise RuntimeError("killed")
        return store(*args)

    monkeypatch.setattr(importing, "_store", dies_in_the_third_batch)
    with pytest.raises(RuntimeError):
        run("users", "import", path, status=None)
    assert len(users()) == 5
    done = told("users", "import", path, status=1)
    assert (done["resumed_after"], done["created"], done["refused"], done["lines"]) == (7, 10, 2, 13)
    assert len(users()) == 10
    assert report(done["report"]) == [(3, "uname", "malformed"), (9, "email", "malformed")]
    assert "imported already" in run("users", "import", path, status=1).stderr
    again = told("users", "import", path, "--again", status=1)
    assert (again["created"], again["refused"]) == (0, 12) and len(users()) == 10


def test_a_report_that_was_taken_away_does_not_stop_the_import(run, told, table, monkeypatch):
    people = [{"uname": "12"}, {"uname": "ann"}, {"uname": "13"}]
    path = table(people)
    monkeypatch.setattr(importing, "BATCH", 1)
    store, times = importing._store, iter(range(100))
    monkeypatch.setattr(importing, "_store", lambda *args: store(*args) if next(times) != 1 else 1 / 0)
    with pytest.raises(ZeroDivisionError):
        run("users", "import", str(path), status=None)
    path.with_name(path.name + ".report.csv").unlink()
    done = told("users", "import", str(path), status=1)
    assert (done["created"], done["refused"], report(done["report"])) == (1, 2, [(4, "uname", "malformed")])


def test_somebody_who_registers_in_the_same_moment_wins(app, told, table, users, monkeypatch):
    judge, times = importing.judge, iter(range(100))

    def and_then_somebody_registers(connection, batch):
        judge(connection, batch)
        if next(times) == 0:
            with db.engine.begin() as other:
                other.execute(insert(User).values(uname="Person-1", uname_key="person-1"))

    monkeypatch.setattr(importing, "judge", and_then_somebody_registers)
    done = told("users", "import", str(table(generated(3))), status=1)
    assert (done["created"], report(done["report"])) == (2, [(3, "uname", "look-alike")])
    assert set(users()) == {"person-0", "Person-1", "person-2"}


def test_one_import_runs_at_a_time(app, run, table):
    path = table(generated(1))
    with app.app_context():
        engine = db.engine
    with turn(engine, "import"):
        assert "another import is under way" in run("users", "import", str(path), status=1).stderr


def test_the_names_of_a_file_do_not_stay_in_memory():
    seen = creating.Seen()
    assert seen.kept.execute("PRAGMA database_list").fetchone()[2] == ""
    seen.close()
