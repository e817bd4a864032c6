# hint: A check that broke
def gate(results):
    if not results:
        return "closed"
    failed = [result["severity"] for result in results if result["passed"] is False]
    return "closed" if "critical" in failed else "open with warnings" if failed else "open"


value = gate
