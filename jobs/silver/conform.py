"""From what a hospital sends to what silver holds: the SQL text that the hospitals' transforms are made of."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from jobs.hospitals.feed import Hospital
from quality.contract import Table
from quality.contracts import contracts
from quality.sql import ean13_check_digit
from quality.value_sets import VALUE_SETS

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

# What a transform hands on about where a row comes from; the engine adds the other common columns.
PROVENANCE = ("source_key", "delivery_id", "source_file", "source_row_no", "valid_from", "dq_flags")
ENGINE_COLUMNS = ("center", "row_hash", "ingested_at", "valid_to", "is_current", "is_deleted", "load_id")
NOTHING = "CAST(NULL AS STRING)"
# Stand between the codes of a lookup, and between a code and its value: characters that no code has.
PAIR, MEANS = "\x1e", "\x1f"
SPARK_TYPES = {"integer": "int", "long": "bigint"}


@dataclass(frozen=True)
class Code:
    """Where a coded value comes from, if not simply from one column of the feed: SQL of the code as read and as sent.

    `reason` is SQL for why there is none, `otherwise` the value to put then.
    """

    read: str
    sent: str
    reason: str | None = None
    otherwise: str | None = None


@dataclass(frozen=True)
class Conformed:
    """SQL that yields a value of the value set itself: no code was sent for it."""

    value: str


Source = str | Code | Conformed


@dataclass(frozen=True)
class Conform:
    """The conforming of one hospital: its codes and its ways to write "no value"."""

    hospital: Hospital

    def columns(self, table: str, /, **sources: Source) -> list[str]:
        """SQL for every column of a silver table that a transform supplies, in the order and type of its contract.

        A source is SQL over the feed's columns; for a coded column the name of the feed's column, a Code or a Conformed.
        A column without source is null. A date is precise to the day where its `…_precision` has no source.
        """
        contract = contracts("silver")[table]
        strangers = sources.keys() - set(contract.names)
        if strangers:
            raise ValueError(f"expected columns of silver.{table}, found {', '.join(sorted(strangers))}")
        plain = {name: source for name, source in sources.items() if isinstance(source, str)}
        coded = {name: sources.get(name) for name in coded_names(contract)}
        texts: dict[str, str] = {}
        for column in contract.columns:
            if column.name in ENGINE_COLUMNS or column.name in texts:
                continue
            if column.name in coded:
                texts.update(self.coded(f"{table}.{column.name}", coded[column.name]))
            elif column.name.endswith("_precision") and column.name.removesuffix("_precision") in texts:
                texts[column.name] = _precision(column.name, plain)
            elif column.name in PROVENANCE:
                texts[column.name] = plain.get(column.name, column.name)
            else:
                texts[column.name] = f"CAST({plain.get(column.name, 'NULL')} AS {SPARK_TYPES.get(column.type, column.type)})"
        if "dq_flags" in texts:
            texts["dq_flags"] = _with_flags(texts["dq_flags"], [*self._unknown(table, coded), *_partial(plain)])
        return [f"{text} AS `{name}`" for name, text in texts.items() if name in contract.names]

    def coded(self, column: str, source: Source | None) -> dict[str, str]:
        """SQL for a coded value (`table.column`) and its companions: source value, null reason, code, system."""
        name, code = column.rpartition(".")[2], _code(source)
        value = source.value if isinstance(source, Conformed) else self._value(column, code)
        return {
            name: value,
            f"{name}_source_value": f"nullif({code.sent}, '')",
            f"{name}_null_reason": self._reason(code),
            f"{name}_code": f"coalesce({_lookup(_standard(column, 'code'), value)}, {strip_system(code.read)})",
            f"{name}_system": f"coalesce({_lookup(_standard(column, 'system'), value)}, {self._source_system(code.read)})",
        }

    def _codes(self, column: str) -> Mapping[str, str]:
        """The hospital's codes of a column; where it declares none, it sends the values themselves."""
        return self.hospital.codes.get(column) or {value: value for value in VALUE_SETS[column]}

    def _value(self, column: str, source: Code) -> str:
        value = _lookup(self._codes(column), source.read)
        return f"coalesce({value}, '{source.otherwise}')" if source.otherwise else value

    def _reason(self, source: Code) -> str:
        """A code that was read is no missing value, even if nobody knows it."""
        reason = source.reason
        if reason is None:
            sentinel = _lookup(self.hospital.nulls, f"trim({source.sent})")
            reason = f"if(coalesce(trim({source.sent}), '') = '', 'not_collected', {sentinel})"
        return f"if({source.read} IS NULL, {reason}, NULL)"

    def _source_system(self, read: str) -> str:
        """The system that stands before a code (`UMLS:C0205090`), else the hospital itself."""
        prefix = f"nullif(regexp_extract({read}, '^([A-Z0-9]+):', 1), '')"
        return f"if({read} IS NULL, NULL, coalesce({prefix}, '{self.hospital.center}'))"

    def _unknown(self, table: str, coded: Mapping[str, Source | None]) -> Iterator[str]:
        """A flag for each code that was read and has no value."""
        for name, source in coded.items():
            if source is not None and not isinstance(source, Conformed):
                read = _code(source).read
                value = _lookup(self._codes(f"{table}.{name}"), read)
                yield f"if({read} IS NOT NULL AND {value} IS NULL, 'CODE_UNKNOWN:{name}', NULL)"


def coded_names(table: Table) -> list[str]:
    """The columns of a silver table that hold a value of a value set."""
    return [name for name in table.names if f"{table.name}.{name}" in VALUE_SETS and f"{name}_source_value" in table.names]


def _code(source: Source | None) -> Code:
    if isinstance(source, Code):
        return source
    if isinstance(source, str):
        return Code(source, f"sent.{source}")
    return Code(NOTHING, NOTHING, reason=NOTHING if isinstance(source, Conformed) else None)


def _lookup(codes: Mapping[str, str], key: str) -> str:
    """SQL for what a code stands for, null where it stands for nothing."""
    # One text, not a map of some hundred literals: Spark looks at every literal in each of its many rules.
    pairs = PAIR.join(f"{code}{MEANS}{value}" for code, value in codes.items())
    return f"try_element_at(str_to_map({_quoted(pairs)}, '{PAIR}', '{MEANS}'), {key})" if pairs else NOTHING


def _standard(column: str, part: str) -> dict[str, str]:
    found = {value: getattr(meant, part) for value, meant in VALUE_SETS[column].items()}
    return {value: text for value, text in found.items() if text}


def _quoted(text: str) -> str:
    return "r'" + text + "'"


def _precision(name: str, sources: Mapping[str, str]) -> str:
    date = sources.get(name.removesuffix("_precision"))
    if date is None:
        return NOTHING
    return f"if({date} IS NULL, NULL, {sources.get(name, _quoted('day'))})"


def _partial(sources: Mapping[str, str]) -> Iterator[str]:
    """A flag for each date of which a row knows the month or the year alone."""
    for name, precision in sources.items():
        date = name.removesuffix("_precision")
        if date != name and date in sources and not precision.startswith("'"):
            yield f"if({sources[date]} IS NOT NULL AND {precision} IN ('month', 'year'), 'DATE_PARTIAL:{date}', NULL)"


def _with_flags(flags: str, more: list[str]) -> str:
    return f"concat({flags}, array_compact(array({', '.join(more)})))" if more else flags


def row_id_of(center: str, domain: str, key: str) -> str:
    """The id of the row that has this key; null where the key is."""
    return f"substr(sha2(concat('{center}:{domain}:', {key}), 256), 1, 32)"


def derived_id(center: str, domain: str, position: str, key: str = "source_key") -> str:
    """The id of one of several silver rows that come from one row of a feed."""
    return row_id_of(center, domain, f"concat({key}, ':', {position})")


def strip_system(code: str) -> str:
    """A code without the system in front: `ICDO3:C50.9` is C50.9."""
    return f"regexp_replace({code}, '^[A-Z0-9]+:', '')"


def dotted(icd10: str) -> str:
    """An ICD-10 code with its dot: PMSI and AP-HP send C509 for C50.9."""
    bare = f"replace({icd10}, '.', '')"
    return f"if(length({bare}) > 3, concat(left({bare}, 3), '.', substr({bare}, 4)), {bare})"


def behaviour_of(morphology: str) -> str:
    """The digit after the stroke of an ICD-O-3 morphology."""
    return f"nullif(substring_index({morphology}, '/', -1), {morphology})"


def ucd13(ucd: str) -> str:
    """A UCD code of 13 digits: those of 7 get the French prefix and the EAN-13 check digit."""
    extended = f"concat('34008', {ucd})"
    return f"if(length({ucd}) = 7, concat({extended}, {ean13_check_digit(extended)}), {ucd})"


def tnm(value: str) -> str:
    """A T, N or M without the letters in front of it that say how it was found, X in upper case."""
    return rf"regexp_replace(regexp_replace({value}, r'^[cpyru]+(?=[TNM])', ''), r'^([TNM])x\b', '$1X')"


def tnm_prefix(value: str) -> str:
    """The first of the letters in front of a T, N or M."""
    return f"nullif(regexp_extract({value}, r'^([cpyru])[cpyru]*[TNM]', 1), '')"


def edition(version: str) -> str:
    """The number alone of a TNM edition or FIGO year."""
    return rf"nullif(regexp_extract({version}, r'(\d+)', 1), '')"


def number(text: str) -> str:
    """The number that a text is as a whole, with comma or point and spaces between thousands; null for any other text."""
    # The spaces are those French tables use: plain, no-break, narrow no-break.
    bare = rf"replace(regexp_replace(trim({text}), r'(?<=\d)[ \u00a0\u202f](?=\d{{3}}(\D|$))', ''), ',', '.')"
    return rf"if({bare} RLIKE r'^[+-]?\d+(\.\d+)?$', CAST({bare} AS DOUBLE), NULL)"


def operator(result: str) -> str:
    """The sign before a laboratory result; null where what follows is not a number."""
    return rf"if({measured(result)} IS NULL, NULL, nullif(regexp_extract({result}, r'^\s*(<=|>=|<|>)', 1), ''))"


def measured(result: str) -> str:
    """The number of a laboratory result, whatever sign is before it."""
    return number(rf"regexp_replace({result}, r'^\s*(<=|>=|<|>)', '')")


def date_from_parts(year: str, month: str, day: str) -> str:
    """The date of three numbers: the 15th without a day, the 1st of July without a month; null if there is no such day."""
    complete = f"format_string('%04d-%02d-%02d', {year}, coalesce({month}, 7), if({month} IS NULL, 1, coalesce({day}, 15)))"
    return f"if({year} IS NULL, NULL, try_cast({complete} AS DATE))"


def precision_of_parts(month: str, day: str) -> str:
    """How precise the date of three numbers is."""
    return f"CASE WHEN {month} IS NULL THEN 'year' WHEN {day} IS NULL THEN 'month' ELSE 'day' END"


def first_word(text: str) -> str:
    """What stands before the first space: the result in `NEG (1.3)`."""
    return f"substring_index(trim({text}), ' ', 1)"


def after_first_word(text: str) -> str:
    """What stands behind the first space, without brackets: the value in `NEG (1.3)`."""
    return rf"nullif(trim(regexp_replace(regexp_replace(trim({text}), r'^\S+', ''), r'^\s*\((.*)\)$', '$1')), '')"


def with_root(specimens: "DataFrame") -> "DataFrame":
    """`specimens` (specimen_id, parent_id, person_id) with root_id, the sample at the head of each chain of derivatives."""
    # A person has few samples: the whole family fits in one map, and a chain is never longer than that.
    family = "map_from_entries(collect_list(struct(specimen_id, parent_id)) OVER (PARTITION BY person_id))"
    climb = "aggregate(sequence(1, cardinality(family)), specimen_id, (at, step) -> coalesce(try_element_at(family, at), at))"
    return specimens.selectExpr("*", f"{family} AS family").selectExpr("*", f"{climb} AS root_id").drop("family")
