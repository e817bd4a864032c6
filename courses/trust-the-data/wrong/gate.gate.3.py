# hint: A severity that you do not know
def gate(results):
    missed = [result for result in results if result["passed"] is not True]
    if not results or any(result["severity"] == "critical" for result in missed):
        return "closed"
    return "open with warnings" if missed else "open"


value = gate
