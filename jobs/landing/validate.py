"""What a hospital can ask before it sends: the same gates and row checks, without a lake and without the platform key."""

import re
import secrets
import tempfile
from datetime import UTC, datetime
from pathlib import Path

from jobs.errors import WrongUse
from jobs.hospitals import hospitals
from jobs.landing.judge import judge
from jobs.landing.manifest import read_manifest
from jobs.landing.model import Judgement
from jobs.landing.pseudonyms import Pseudonyms
from jobs.landing.signature import MANIFEST, Keys, check_signature


def validate(folder: Path, keys: Keys) -> Judgement:
    """Gates 1, 2 and 4 to 9 and the row checks of a delivery folder, wherever it lies; nothing is kept."""
    folder = folder.absolute()
    if not (folder / MANIFEST).is_file():
        raise WrongUse(f"Expected a delivery folder with a {MANIFEST}, found none in {folder}: name the folder of one delivery.")
    # A delivery that is still being made need not lie in <center>/<yyyy>/<mm>/ yet.
    in_place = bool(re.fullmatch(r"\d{2}", folder.parent.name) and re.fullmatch(r"\d{4}", folder.parent.parent.name))
    manifest, findings = read_manifest(folder, hospitals(), datetime.now(UTC), in_place=in_place)
    if manifest is not None:
        findings = check_signature(manifest, keys)
    if manifest is None or findings:
        center = folder.name.split("-")[0].lower()
        return Judgement(folder.name, center if center in hospitals() else None, manifest, hospitals().get(center), findings)
    with tempfile.TemporaryDirectory(prefix="pscc-validate-") as staging:
        return judge(manifest, hospitals()[manifest.center], Path(staging), Pseudonyms(secrets.token_bytes(32)))
