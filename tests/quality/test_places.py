"""Places: tables and pages below a folder and below an address behave the same."""

import gzip
from pathlib import Path

import boto3
import pyarrow as pa
import pytest
from deltalake import DeltaTable, write_deltalake

from quality import places


@pytest.fixture(params=["folder", "address"])
def root(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """An empty place of either kind."""
    return str(tmp_path / "la ké") if request.param == "folder" else str(request.getfixturevalue("address"))


def read(place: str) -> str:
    system, path = places.filesystem(place)
    with system.open_input_stream(path) as stream:
        return bytes(stream.read()).decode()


def test_the_tables_of_a_zone_are_the_folders_with_a_delta_log(root: str) -> None:
    for table in ("person", "grade"):
        write_deltalake(f"{root}/silver/{table}", pa.table({"x": [1]}))
    places.write(f"{root}/silver/notes/page.html", "no table")
    assert places.tables(f"{root}/silver") == ["grade", "person"]
    assert places.tables(f"{root}/gold") == []


def test_the_rows_of_a_table_are_those_of_its_newest_version(root: str) -> None:
    for mode in ("append", "overwrite"):
        write_deltalake(f"{root}/t", pa.table({"x": [len(mode)]}), mode=mode)  # type: ignore[arg-type]
    rows = places.dataset(DeltaTable(f"{root}/t"))
    assert rows is not None
    assert rows.to_table()["x"].to_pylist() == [9]


def test_a_table_without_files_has_no_rows(root: str) -> None:
    DeltaTable.create(f"{root}/t", pa.schema([("x", pa.int64())]))
    assert places.dataset(DeltaTable(f"{root}/t")) is None


def test_a_text_written_again_replaces_the_first_and_leaves_nothing_beside_it(root: str) -> None:
    for text in ("first", "déjà"):
        places.write(f"{root}/returns/gr/a.json", text)
    assert read(f"{root}/returns/gr/a.json") == "déjà"
    system, place = places.filesystem(f"{root}/returns/gr")
    assert [each.base_name for each in system.get_file_info(places.fs.FileSelector(place))] == ["a.json"]


def test_a_compressed_file_is_fetched_and_put_byte_for_byte(
    address: str, object_store: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Somebody else's client puts and reads: what one library does to a file on both ways would not be noticed."""
    sent = tmp_path / "sent" / "patient.csv.gz"
    sent.parent.mkdir()
    sent.write_bytes(gzip.compress(b"id;sex\n" * 500))
    bucket, _, key = address.removeprefix("s3a://").partition("/")
    store = boto3.client("s3", endpoint_url=object_store["AWS_ENDPOINT_URL"], region_name="us-east-1")
    store.put_object(Bucket=bucket, Key=f"{key}/in/patient.csv.gz", Body=sent.read_bytes())
    places.download(f"{address}/in", tmp_path / "back")
    assert (tmp_path / "back" / "patient.csv.gz").read_bytes() == sent.read_bytes()
    places.upload(sent.parent, f"{address}/out")
    assert store.get_object(Bucket=bucket, Key=f"{key}/out/patient.csv.gz")["Body"].read() == sent.read_bytes()


def test_files_come_back_from_an_address_as_they_were_and_links_stay_behind(address: str, tmp_path: Path) -> None:
    sent = tmp_path / "sent"
    (sent / "person").mkdir(parents=True)
    (sent / "person" / "partié 1.parquet").write_bytes(b"rows")
    (sent / "manifest.json").write_bytes(b"{}")
    (sent / "link.csv").symlink_to("/etc/hostname")
    places.upload(sent, address)
    places.download(address, tmp_path / "back")
    assert contents(tmp_path / "back") == {"person/partié 1.parquet": b"rows", "manifest.json": b"{}"}
    assert (tmp_path / "back").stat().st_mode & 0o777 == 0o700


@pytest.mark.parametrize(
    "key", ["../a.csv", "gr/./a.csv", "gr/../../etc/passwd", "/etc/passwd", "a\0b", "a" * 300, "there", "there/a"]
)
def test_a_key_that_is_no_path_below_the_folder_becomes_a_file_that_nobody_declared(tmp_path: Path, key: str) -> None:
    (tmp_path / "there").mkdir() if key == "there" else (tmp_path / "there").write_text("a file")
    with places._opened(tmp_path, key) as file:
        file.write(b"found")
    assert [name.startswith("object-") for name, said in contents(tmp_path).items() if said == b"found"] == [True]


def contents(folder: Path) -> dict[str, bytes]:
    """What stands in the files below a folder."""
    return {each.relative_to(folder).as_posix(): each.read_bytes() for each in folder.rglob("*") if each.is_file()}
