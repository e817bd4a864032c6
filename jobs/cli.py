"""The command line. Every failure is one sentence on stderr: exit code 2 for wrong use, 1 for data refused, 3 for what else stopped.

Heavy imports wait until a command needs them.
"""

import io
import os
import sys
from collections.abc import Callable

import typer
from typer.exceptions import TyperException

from jobs.commands import academy, analysts, deliveries, lake, operating, releases, rights, services, trial
from jobs.errors import ContractViolation, EngineSilent, GateFailed, LakehouseError, WrongUse
from jobs.failures import own_words
from jobs.services import users
from jobs.settings import check, validate

# As `pscc --help` lists them.
COMMANDS: dict[str, Callable[..., None]] = {
    "verify": operating.verify,
    "maintain": operating.maintain,
    "lineage": operating.lineage,
    "restore": operating.restore,
    "upgrade": lake.upgrade,
    "metrics": operating.metrics,
    "validate": deliveries.validate,
    "ingest": deliveries.ingest,
    "build": lake.build,
    "status": lake.status,
    "up": services.up,
    "address": services.address,
    "down": services.down,
    "logs": services.logs,
    "deliver": deliveries.deliver,
    "decide": deliveries.decide,
    "sql": analysts.sql,
    "tables": analysts.tables,
    "describe": analysts.describe,
    "dictionary": analysts.dictionary,
    "notebook": analysts.notebook,
    "scratch": analysts.scratch,
    "builds": analysts.list_builds,
    "changes": analysts.changes,
    "cite": analysts.cite,
    "export": analysts.export,
    "simulate": trial.simulate,
    "anonymise": releases.anonymise,
    "settings": operating.settings,
    "key": lake.key,
    "demo": trial.demo,
}
# Programs of their own: what stands behind the name is theirs to read, `--help` too.
PROGRAMS = {"academy": academy.academy, "course": academy.course}
PASSED_ON = {"allow_extra_args": True, "ignore_unknown_options": True, "help_option_names": []}
GROUPS = {
    "rebuild": lake.rebuild_app,
    "release": releases.release_app,
    "cohort": analysts.cohort_app,
    "rights": rights.rights_app,
    "audit": rights.audit_app,
    "access": rights.access_app,
    "quarantine": operating.quarantine_app,
    "delivery": operating.delivery_app,
    "alerts": operating.alerts_app,
    "keys": operating.keys_app,
}

# A traceback with local variables could show rows of patients.
app = typer.Typer(
    help="The lakehouse of the Paris Saclay Cancer Cluster: hospital deliveries in, curated tables out.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
for name, command in COMMANDS.items():
    app.command(name)(command)
for name, program in PROGRAMS.items():
    app.command(name, context_settings=PASSED_ON)(program)
for name, commands in GROUPS.items():
    app.add_typer(commands, name=name)


# One makes what a setting names, the other tells all that is wrong by itself.
UNCHECKED = {"key", "settings"}
# It remembers what it hands on: where a file holds a secret, that is the file, which may hold another one by then.
HANDS_ON = {"up"}


def main() -> None:
    """Run the command line, once all settings are right."""
    words = sys.argv[1:]
    if isinstance(sys.stdout, io.TextIOWrapper):
        # Progress is for now, in a pipe or a file too.
        sys.stdout.reconfigure(line_buffering=True)
    try:
        if words and words[0] not in UNCHECKED and "--help" not in words:
            (check if words[0] in HANDS_ON else validate)()
        with own_words():
            sys.exit(app(standalone_mode=False))
    except TyperException as error:
        print(_misspelt(error), file=sys.stderr)
        sys.exit(2)
    except LakehouseError as error:
        print(error, file=sys.stderr)
        sys.exit(
            2 if isinstance(error, (WrongUse, EngineSilent)) else 1 if isinstance(error, (GateFailed, ContractViolation)) else 3
        )
    except OSError as error:
        print(
            f"Expected the disk and its files to be usable, found: {_unusable(error)}. Nothing half done is visible; run again.",
            file=sys.stderr,
        )
        sys.exit(3)


def _unusable(error: OSError) -> str:
    said = error.strerror or str(error)
    # Root has forgotten by now that it works as somebody else.
    is_owner = isinstance(error, PermissionError) and os.getuid() == users.CLINICAL_UID
    return f"{said} to user {users.CLINICAL_UID}, as whom root works on this lake" if is_owner else said


def _misspelt(error: TyperException) -> str:
    """What is wrong with the command or its options, in one line; of bare `pscc` the help, which comes as an exception too."""
    said, context = error.format_message(), getattr(error, "ctx", None)
    return said if "\n" in said or context is None else f"{said} See `{context.command_path} --help`."


if __name__ == "__main__":
    main()
