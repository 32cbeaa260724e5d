"""Backup, restore and check on the page."""

import re

from playwright.sync_api import expect

from autolearn.store import Store
from tests.support.pages import PATIENCE, open_tab

expect.set_options(timeout=PATIENCE)


def test_a_workspace_is_checked_downloaded_and_restored_beside_the_open_one(
    start, visit, small, tmp_path
):
    app = start(small)
    page = visit(app)
    open_tab(page, "History")
    page.get_by_role("button", name="Backup and check").click()
    report = page.locator("#workspace-report")
    page.locator("#check-go").click()
    expect(report).to_contain_text("Nothing is damaged")
    page.locator("#restore-go").click()
    expect(page.locator("#notice")).to_contain_text("Choose a backup first")
    page.locator("#backup-download").click()
    expect(report).to_contain_text("download it below")
    with page.expect_download() as download:
        page.locator("#backup-file a[download]").first.click()
    backup = tmp_path / "mine.zip"
    download.value.save_as(backup)
    chooser = page.locator("#restore-file input[type=file]")
    chooser.set_input_files(str(backup))
    expect(page.locator("#restore-file")).to_contain_text("mine")
    page.locator("#restore-go").click()
    expect(report).to_contain_text("python app.py --workspace")
    (restored,) = tmp_path.glob("workspace-restored-*")
    expect(report).to_contain_text(str(restored))
    with app.store() as store, Store.open(restored) as other:
        assert other.library.documents() == store.library.documents()
        assert len(other.library.questions()) == len(store.library.questions()) > 0
    foreign = tmp_path / "foreign.zip"
    foreign.write_bytes(b"PK nothing")
    expect(page.locator("#restore-file")).not_to_contain_text("mine")
    chooser.set_input_files(str(foreign))
    expect(page.locator("#restore-file")).to_contain_text("foreign")
    page.locator("#restore-go").click()
    expect(page.locator("#notice")).to_contain_text(
        re.compile("is damaged, or no backup of autolearn")
    )
    assert len(list(tmp_path.glob("workspace-restored-*"))) == 1
