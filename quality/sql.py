"""SQL text that contracts and transforms share: comparisons of partial dates, check digits."""


def earlier(first: str, second: str) -> str:
    """True where `first` lies before `second` at the coarser of their precisions; null where one is missing.

    Both columns have their `…_precision` beside them. The 3rd of May is not before "May", for which the 15th stands.
    """
    precisions = f"({first}_precision, {second}_precision)"
    unit = f"CASE WHEN 'year' IN {precisions} THEN 'YEAR' WHEN 'month' IN {precisions} THEN 'MONTH' ELSE 'DAY' END"
    return f"date_trunc({unit}, {first}) < date_trunc({unit}, {second})"


def first_day_of(partial: str) -> str:
    """The earliest day that a partial date can mean."""
    unit = f"CASE {partial}_precision WHEN 'year' THEN 'YEAR' WHEN 'month' THEN 'MONTH' ELSE 'DAY' END"
    return f"date(date_trunc({unit}, {partial}))"


def ean13_check_digit(digits: str) -> str:
    """The thirteenth digit of the EAN-13 code whose first twelve are `digits`, as an integer."""
    weighted = f"(total, place) -> total + int(substr({digits}, place, 1)) * if(place % 2 = 0, 3, 1)"
    return f"(10 - aggregate(sequence(1, 12), 0, {weighted}) % 10) % 10"
