"""Everything that web, workers and commands do works with the rights of their user, over https."""

import shutil

from redis import Redis

from app import create_app
from indexer.settings import Settings
from indexer.setup.roles import roles
from mappings.audit import ensure_month
from tests.integration.setup.conftest import Run
from tests.operating import Operating
from tests.secured import Secured


def test_images_are_imported_searched_migrated_and_deleted(
    operating: Operating, run: Run, secured_settings: Settings, redis_client: Redis
) -> None:
    assert run("setup").exit_code == 0
    assert operating.imported("CASE-1", "1.2.3", "1.2.4").counts.done == 2
    assert operating.imported("CASE-2", "1.2.5", "1.2.6").counts.done == 2

    web = create_app(secured_settings).test_client()
    assert web.get("/api/search?q=Modality:CT").json["total"] == 4
    assert web.get("/api/search?q=Modality:CT&facets=Modality&level=series").status_code == 200
    assert web.get("/api/search/export?q=Modality:CT&format=ndjson").text.count("\n") == 4
    for page in ("/", "/search?q=Modality:CT", "/headers", "/batches/CASE-1", "/images/1.2.3", "/readyz"):
        assert web.get(page).status_code == 200, page

    migrated = run("migrate", "--force")
    assert "4 documents are in dicom-images-000002 now" in migrated.output
    assert run("migrate", "--drop-old").output == "Deleted dicom-images-000001.\n"
    found = run("search", "Modality:CT", "--all", "--format", "paths")
    assert (found.exit_code, len(found.stdout.splitlines())) == (0, 4)

    (operating.folder / "CASE-1" / "0.dcm").unlink()
    assert run("sync", "CASE-1", "--apply").exit_code == 0
    operating.run()
    shutil.rmtree(operating.folder / "CASE-2")
    deleted = run("delete", "CASE-2", "--yes")
    assert deleted.exit_code == 0, deleted.output
    operating.run()
    assert sorted(operating.documents()) == ["1.2.4"]


def test_months_of_the_audit_log_are_deleted_only_where_the_settings_say_when(
    secured_elasticsearch: Secured, secured_settings: Settings
) -> None:
    def rights(expires: bool) -> list[str]:
        role = roles("dicom-images", "dicom-audit", audit_expires=expires)["dicomsearch"]
        return list(role["indices"][1]["privileges"])

    assert "delete_index" not in rights(expires=False)
    assert set(rights(expires=True)) - set(rights(expires=False)) == {"delete_index"}
    with secured_elasticsearch.client() as client:
        assert ensure_month(client, "dicom-audit", "2026-11") == "dicom-audit-2026-11"
