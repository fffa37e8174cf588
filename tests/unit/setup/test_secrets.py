"""Secrets: what is refused, with the name of its variable and never with its value."""

import base64

import pytest
from pydantic import SecretStr

from indexer.settings import Settings
from indexer.setup.hashes import fits, hashed
from indexer.setup.secrets import SecretError, new_password, new_token, secrets_of, token_of

GOOD = "correct horse battery staple"
# Made by Elasticsearch 9.2's own `elasticsearch-users useradd`, which was told to use pbkdf2_stretch_50000.
HASH_OF_GOOD = (
    "{PBKDF2_STRETCH}50000$3HkG77hKw/NgXLFfVSWBO7+k6H+hUnO4RiC+GiIuwM0=$DxsMhl8uFdxq3piMZP9WhJMm0651qIsAu8okyglbY0A="
)
# From the documentation of Elasticsearch's form of tokens: four bytes, then account, name and secret.
TOKEN = "AAEAAWVsYXN0aWMva2liYW5hL3Rva2VuMTpyNXdkYmRib1FTZTl2R09Ld2FKR0F3"


def settings(**given: str | None) -> Settings:
    secrets = {"elasticsearch_password": GOOD, "elasticsearch_query_password": GOOD[::-1]} | given
    return Settings(**{name: value for name, value in secrets.items() if value is not None})


def test_the_users_of_web_and_of_the_query_interface_are_enough() -> None:
    found = secrets_of(settings())
    assert [(user.name, user.role, user.password) for user in found.users] == [
        ("dicomsearch", "dicomsearch", GOOD),
        ("dicomsearch_query", "dicomsearch_query", GOOD[::-1]),
    ]
    assert found.tokens == ()


def test_kibana_brings_a_user_and_a_token() -> None:
    found = secrets_of(settings(analyst_password="a password of analysts", kibana_token=TOKEN))
    assert [user.name for user in found.users] == ["dicomsearch", "dicomsearch_query", "dicomsearch_analyst"]
    assert [(token.name, token.secret) for token in found.tokens] == [
        ("elastic/kibana/token1", "r5wdbdboQSe9vGOKwaJGAw")
    ]


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"elasticsearch_password": None}, "DICOMSEARCH_ELASTICSEARCH_PASSWORD is not set"),
        ({"elasticsearch_password": ""}, "DICOMSEARCH_ELASTICSEARCH_PASSWORD is not set"),
        ({"elasticsearch_query_password": None}, "DICOMSEARCH_ELASTICSEARCH_QUERY_PASSWORD is not set"),
        ({"elasticsearch_password": "f8Zk2Lq9Xw3Rt7Y"}, "DICOMSEARCH_ELASTICSEARCH_PASSWORD is too short"),
        ({"elasticsearch_password": "change-me-please-now"}, "DICOMSEARCH_ELASTICSEARCH_PASSWORD is an example"),
        ({"elasticsearch_password": "Change_Me_Please_Now"}, "DICOMSEARCH_ELASTICSEARCH_PASSWORD is an example"),
        (
            {"elasticsearch_query_password": "aaaaaaaaaaaaaaaaaaaa"},
            "DICOMSEARCH_ELASTICSEARCH_QUERY_PASSWORD is an example",
        ),
        ({"elasticsearch_query_password": GOOD}, "PASSWORD and DICOMSEARCH_ELASTICSEARCH_QUERY_PASSWORD are the same"),
        ({"elasticsearch_password": "with the end\nof a line"}, "DICOMSEARCH_ELASTICSEARCH_PASSWORD has characters"),
        ({"elasticsearch_query_username": "dicomsearch"}, "have the same name 'dicomsearch'"),
        ({"elasticsearch_username": "dicom:search"}, "has characters that Elasticsearch does not take"),
        ({"analyst_password": "a password of analysts"}, "DICOMSEARCH_KIBANA_TOKEN is not set"),
        ({"kibana_token": TOKEN}, "DICOMSEARCH_ANALYST_PASSWORD is not set"),
        ({"kibana_url": "http://kibana:5601"}, "DICOMSEARCH_ANALYST_PASSWORD is not set"),
        (
            {"analyst_password": "a password of analysts", "kibana_token": "f8Zk2Lq9Xw3Rt7Yb5Nc1"},
            "DICOMSEARCH_KIBANA_TOKEN is no token of Elasticsearch's account elastic/kibana",
        ),
    ],
)
def test_what_is_no_secret_is_refused_with_the_name_of_its_variable(given: dict[str, str | None], said: str) -> None:
    with pytest.raises(SecretError) as refused:
        secrets_of(settings(**given))
    assert said in str(refused.value)
    quoted = [value for name, value in given.items() if value and not name.endswith(("username", "url"))]
    assert not any(value in str(refused.value) for value in quoted)


@pytest.mark.parametrize(
    "written",
    [
        "elastic/fleet-server/token1:r5wdbdboQSe9vGOKwaJGAw",
        "elastic/kibana/:r5wdbdboQSe9vGOKwaJGAw",
        "elastic/kibana/token1",
        "elastic/kibana/token1:short",
    ],
)
def test_a_token_of_something_else_is_none(written: str) -> None:
    with pytest.raises(SecretError, match="DICOMSEARCH_KIBANA_TOKEN"):
        token_of(base64.b64encode(b"\x00\x01\x00\x01" + written.encode()).decode())


def test_made_secrets_are_good_ones_and_never_the_same() -> None:
    made = [new_password() for _ in range(3)]
    found = secrets_of(
        settings(
            elasticsearch_password=made[0],
            elasticsearch_query_password=made[1],
            analyst_password=made[2],
            kibana_token=new_token(),
        )
    )
    assert len({user.password for user in found.users}) == 3
    assert new_token() != new_token()


def test_secrets_do_not_show_when_they_are_printed() -> None:
    found = secrets_of(settings(analyst_password="a password of analysts", kibana_token=TOKEN))
    assert all(secret not in repr(found) for secret in (GOOD, "a password of analysts", "r5wdbdboQSe9vGOKwaJGAw"))
    assert isinstance(settings().elasticsearch_password, SecretStr)


def test_a_hash_is_salted_and_fits_its_password_alone() -> None:
    one, other = hashed(GOOD), hashed(GOOD)
    assert one != other
    assert fits(GOOD, one)
    assert fits(GOOD, other)
    assert not fits(GOOD + "x", one)


def test_a_hash_of_elasticsearch_is_understood() -> None:
    assert fits(GOOD, HASH_OF_GOOD)
    assert not fits(GOOD[::-1], HASH_OF_GOOD)


@pytest.mark.parametrize("broken", ["", "x", "{PBKDF2_STRETCH}", "{PBKDF2_STRETCH}50000$§$x", "{PBKDF2_STRETCH}1$a$b"])
def test_what_is_no_hash_fits_nothing(broken: str) -> None:
    assert not fits(GOOD, broken)
