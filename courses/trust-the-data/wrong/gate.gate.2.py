# hint: nothing was checked
def gate(results):
    if all(result["passed"] for result in results):
        return "open"
    if all(result["passed"] for result in results if result["severity"] != "warning"):
        return "open with warnings"
    return "closed"


value = gate
