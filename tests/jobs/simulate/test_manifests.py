"""What a manifest says of its files is true, and its signature is that of the register."""

import gzip
import hashlib
import hmac
import io
import json
import tarfile
from pathlib import Path

import pyarrow.parquet as pq

from jobs.simulate import Answer


def test_every_signature_verifies_with_a_key_valid_on_that_day(simulated: Answer, manifests: list[Path]) -> None:
    register = json.loads(simulated.keys.read_text())
    for path in manifests:
        manifest = json.loads(path.read_text())
        signature = manifest.pop("signature")
        [key] = [each for each in register[manifest["center"]] if each["key_id"] == signature["key_id"]]
        canonical = json.dumps(manifest, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()
        expected = hmac.new(bytes.fromhex(key["hmac_key_hex"]), canonical, hashlib.sha256).hexdigest()
        assert signature["value"] == expected
        assert key["not_before"] <= manifest["created_at"][:10] <= key["not_after"]


def test_sizes_checksums_and_rows_are_those_of_the_files(manifests: list[Path]) -> None:
    for path in manifests:
        manifest = json.loads(path.read_text())
        listed = {each["path"] for each in manifest["files"]}
        assert listed == {str(file.relative_to(path.parent)) for file in path.parent.rglob("*") if file.is_file()} - {
            "manifest.json"
        }
        for entry in manifest["files"]:
            data = (path.parent / entry["path"]).read_bytes()
            assert (len(data), hashlib.sha256(data).hexdigest()) == (entry["bytes"], entry["sha256"])
            plain = gzip.decompress(data) if entry["compression"] == "gzip" else data
            if entry["format"] == "tar":
                assert_members(entry, plain)
            else:
                assert len(plain) == entry["uncompressed_bytes"]
                assert rows(entry, plain) == entry["rows"], entry["path"]


def assert_members(entry: dict, plain: bytes) -> None:
    with tarfile.open(fileobj=io.BytesIO(plain)) as tar:
        assert [each.name for each in tar.getmembers()] == [each["path"] for each in entry["members"]]
        for member in entry["members"]:
            data = tar.extractfile(member["path"]).read()
            assert (len(data), hashlib.sha256(data).hexdigest()) == (member["bytes"], member["sha256"])
            assert data.count(b"\n") - 1 == member["rows"]
    assert entry["uncompressed_bytes"] == sum(each["bytes"] for each in entry["members"])


def rows(entry: dict, plain: bytes) -> int:
    if entry["format"] == "parquet":
        return pq.ParquetFile(io.BytesIO(plain)).metadata.num_rows
    return plain.count(b"\n") - {"csv": 1, "maf": 2}.get(entry["format"], 0)


def test_deliveries_form_one_chain_for_each_hospital(manifests: list[Path]) -> None:
    chains: dict[str, list[tuple[str, str | None]]] = {}
    for path in manifests:
        manifest = json.loads(path.read_text())
        chains.setdefault(manifest["center"], []).append((manifest["delivery_id"], manifest["previous_delivery_id"]))
    for chain in chains.values():
        assert [previous for _, previous in chain] == [None, *[name for name, _ in chain[:-1]]]
    assert {center: len(chain) for center, chain in chains.items()} == {"gr": 3, "curie": 3, "aphp": 3}


def test_every_rss_record_has_the_length_its_counters_announce(simulated: Answer) -> None:
    files = list(simulated.landing.rglob("*.rss.txt.gz"))
    assert files
    for path in files:
        for line in gzip.decompress(path.read_bytes()).decode("cp1252").split("\r\n")[:-1]:
            diagnoses, others, acts = int(line[118:120]), int(line[120:122]), int(line[122:125])
            assert len(line) == 177 + 8 * (diagnoses + others) + 29 * acts
