"""What the settings of this process are, where each comes from, and what is wrong with them."""

import os
from collections.abc import Iterable, Iterator, Mapping, MutableMapping
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path

from jobs.errors import WrongUse
from jobs.settings.kinds import FILE, FOLDER, KEY_FILE, PLACE, PRIVATE_FILE
from jobs.settings.table import INTERNAL, PREFIX, SETTINGS, Part, Setting
from quality.address import is_remote

Environment = Mapping[str, str]
# Whom `pscc up` starts.
SERVED = (Part.TASKS, Part.TRIGGER, Part.ENGINES, Part.HUB, Part.EVERY)
PATHS = (FILE, FOLDER, KEY_FILE, PLACE, PRIVATE_FILE)


@dataclass(frozen=True)
class Found:
    """A setting, its value here, and the source of that: environment, file, services (their own file), default, or unset."""

    setting: Setting
    source: str
    value: str | None

    def is_set_by(self, variables: Iterable[str]) -> bool:
        """True where the value comes from one of these variables."""
        return bool(self.setting.variables.intersection(variables))

    @property
    def shown(self) -> str:
        """The value for a person's eyes: of a secret only whether it is set."""
        if self.setting.is_secret:
            return "not set" if self.value is None else "set"
        if self.value is None:
            return self.setting.unset.replace("`", "")
        return self.value if _may_be_shown(self.setting, self.value) else "something that cannot be shown"

    def told(self) -> dict[str, str | bool | None]:
        """As an object for programs; the value of a secret is null."""
        is_open = self.value is not None and _may_be_shown(self.setting, self.value)
        return {
            "name": self.setting.name,
            "value": self.value if is_open else None,
            "is_set": self.value is not None,
            "source": self.source,
            "is_secret": self.setting.is_secret,
            "meaning": self.setting.meaning,
        }


def found(setting: Setting, environment: Environment = os.environ) -> Found:
    """Where a setting stands; WrongUse where its file cannot be read. An empty variable counts as unset."""
    if value := environment.get(setting.name):
        return Found(setting, "environment", value)
    if setting.file_name and (file := environment.get(setting.file_name)):
        return Found(setting, "file", _text(setting.file_name, file))
    return Found(setting, "default" if setting.default else "unset", setting.default or None)


def everything(environment: Environment = os.environ) -> list[Found]:
    """Where every setting stands that our programs read; one whose file cannot be read has no value."""
    return [_found_or_not(each, environment) for each in SETTINGS.values() if Part.COMPOSE not in each.used_by]


def _found_or_not(setting: Setting, environment: Environment) -> Found:
    try:
        return found(setting, environment)
    except WrongUse:
        return Found(setting, "file", None)


def _text(name: str, file: str) -> str:
    try:
        text = Path(file).read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError):
        text = ""
    if not text:
        raise WrongUse(f"Expected {name} to be a file with a value in it, found nothing to read at {file}: correct it.")
    return text


def value(name: str, environment: Environment = os.environ) -> str | None:
    """The value of a setting: of the environment, of its file, its default; None where there is none of these.

    WrongUse for one of another form. Of paths, what lies there is looked at when the process starts, and by whoever opens it.
    """
    known = found(SETTINGS[name], environment)
    if known.value and known.setting.kind not in PATHS and (sentence := _sentence(known.setting, name, known.value)):
        raise WrongUse(sentence)
    return known.value


def asked(name: str, environment: Environment = os.environ) -> str:
    """The value of a setting that is needed now; WrongUse where it is not set."""
    if (known := value(name, environment)) is None:
        raise WrongUse(f"Expected {name} to be set, found it unset: see docs/settings.md.")
    return known


def handed(*parts: Part, environment: Environment = os.environ) -> dict[str, str]:
    """The variables that programs of these parts get from whoever starts them: what is set, and not remembered in another way.

    Those programs stand in folders of their own, so paths are made absolute. A secret in a file stays there.
    """
    variables = dict[str, str]()
    for each in SETTINGS.values():
        if each.is_remembered or not set(parts) & set(each.used_by):
            continue
        if named := environment.get(each.name):
            variables[each.name] = _absolute(named) if each.kind in PATHS else named
        elif each.file_name and (file := environment.get(each.file_name)):
            variables[each.file_name] = _absolute(file)
    return variables


def remembered(known: Environment, environment: Environment = os.environ) -> dict[str, str]:
    """What services that were started with `known` go by when they are started once more: what is set now, else what was set then.

    A variable that is set to nothing takes back what was set then. What is marked as remembered is remembered in another way.
    """
    named = {variable for each in SETTINGS.values() for variable in each.variables if each.variables & environment.keys()}
    before = {variable: text for variable, text in known.items() if variable in KNOWN and variable not in named}
    return before | handed(*SERVED, environment=environment)


def recall(known: Environment, environment: MutableMapping[str, str] = os.environ) -> None:
    """Put what services remember into the environment of a process that works beside them; what is set there stays."""
    environment.update(remembered(known, environment))


def places(environment: Environment = os.environ) -> list[str]:
    """The files and folders that are named by what is set, for whoever works in a room where only what is named is seen."""
    names = [each.name for each in SETTINGS.values() if each.kind in PATHS]
    names += [each.file_name for each in SETTINGS.values() if each.file_name]
    return [named for name in names if (named := environment.get(name))]


def secret_files(*parts: Part, environment: Environment = os.environ) -> list[Path]:
    """The files in which secrets stand, as what is set names them; of some parts, those that their programs need."""
    wanted = [each for each in SETTINGS.values() if not parts or set(parts) & set(each.used_by)]
    names = [each.file_name or each.name for each in wanted if each.file_name or each.kind in (KEY_FILE, PRIVATE_FILE)]
    return [Path(named).resolve() for name in names if (named := environment.get(name))]


def open_files(*parts: Part, environment: Environment = os.environ) -> list[Path]:
    """The files without a secret that programs of these parts need, as what is set names them; those are left out that services remember."""
    wanted = [
        each for each in SETTINGS.values() if each.kind is FILE and not each.is_remembered and set(parts) & set(each.used_by)
    ]
    return [Path(named).resolve() for each in wanted if (named := environment.get(each.name))]


def _absolute(place: str) -> str:
    return place if is_remote(place) else str(Path(place).resolve())


def forget(*names: str) -> None:
    """Take settings out of the environment of this process, whichever way they came."""
    for name in names:
        for variable in SETTINGS[name].variables:
            os.environ.pop(variable, None)


def validate(environment: MutableMapping[str, str] = os.environ) -> None:
    """Check every setting of a process that starts, and give libraries their secrets; WrongUse names all faults, one a line."""
    check(environment)
    give_libraries(environment)


def check(environment: Environment = os.environ) -> None:
    """Nothing where every setting is right; WrongUse names all faults, one a line."""
    if wrong := faults(environment):
        raise WrongUse("\n".join(wrong))


def give_libraries(environment: MutableMapping[str, str] = os.environ) -> None:
    """Put secrets of libraries, which know of no file, into the environment in place of their files."""
    for each in SETTINGS.values():
        if each.is_for_libraries and each.file_name and environment.get(each.file_name):
            environment[each.name] = asked(each.name, environment)
            del environment[each.file_name]


def faults(environment: Environment = os.environ) -> list[str]:
    """A sentence for everything that is wrong with what is set; none shows a secret."""
    wrong = [
        sentence for each in SETTINGS.values() if Part.COMPOSE not in each.used_by for sentence in _faults(each, environment)
    ]
    return wrong + [_unknown(name) for name in sorted(environment) if name.startswith(PREFIX) and name not in KNOWN]


def _faults(setting: Setting, environment: Environment) -> Iterator[str]:
    named = environment.get(setting.name)
    file = environment.get(setting.file_name) if setting.file_name else None
    if named and file:
        yield f"Expected {setting.name} or {setting.file_name}, found both: unset one of them."
    elif file:
        yield from _file_faults(setting, file)
    elif named and (sentence := _sentence(setting, setting.name, named)):
        yield sentence


def _file_faults(setting: Setting, file: str) -> Iterator[str]:
    assert setting.file_name is not None
    if fault := PRIVATE_FILE.fault(file):
        yield f"Expected {setting.file_name} to be {PRIVATE_FILE.words}, found {fault.found}: {fault.todo}."
        return
    try:
        text = _text(setting.file_name, file)
    except WrongUse as error:
        yield str(error)
        return
    if sentence := _sentence(setting, f"what stands in {file}, for {setting.name},", text):
        yield sentence


def _sentence(setting: Setting, what: str, value: str) -> str | None:
    fault = setting.kind.fault(value)
    if fault is None:
        return None
    instead = fault.found or (repr(value) if _may_be_shown(setting, value) else "something else")
    return f"Expected {what} to be {setting.kind.words}, found {instead}: {fault.todo}."


def _may_be_shown(setting: Setting, value: str) -> bool:
    """Not a secret, nor what may be one by mistake: a password in an address, or a secret itself where its file should be named."""
    is_path = setting.kind not in (KEY_FILE, PRIVATE_FILE) or Path(value).is_file()
    return is_path and not setting.is_secret and not ("://" in value and "@" in value)


def _unknown(name: str) -> str:
    # Without what all of them begin with: else everything is near.
    known = [each.removeprefix(PREFIX) for each in KNOWN if each.startswith(PREFIX) and each not in INTERNAL]
    near = get_close_matches(name.removeprefix(PREFIX), known, n=1)
    meant = f"correct it to {PREFIX}{near[0]}, or unset it" if near else "unset it"
    return f"Expected only settings that there are, found {name}: {meant}. `pscc settings` lists all."


KNOWN = {*SETTINGS, *INTERNAL, *(each.file_name for each in SETTINGS.values() if each.file_name)}
