"""What each user of Elasticsearch may do and may not, on a real secured node with the files that are shipped."""

import pytest

from tests.secured import ANALYST, OURS, QUERY, Secured


@pytest.mark.parametrize("user", [OURS, QUERY, ANALYST])
def test_each_user_signs_in_and_has_its_one_role(secured_elasticsearch: Secured, user: str) -> None:
    with secured_elasticsearch.client(user) as client:
        found = client.security.authenticate()
    assert (found["username"], found["roles"]) == (user, [user])
