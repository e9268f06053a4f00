"""Checks of the Python scripts: lines `ok TEXT`, `not ok TEXT` and `# TEXT`, which tests/checks.sh turns into TAP."""
import sys

failed = 0


def ok(holds, text, *details):
    """One check; details are printed when it fails."""
    global failed
    failed += not holds
    print("%sok %s" % ("" if holds else "not ", text))
    if not holds:
        for detail in details:
            note(detail)
    return holds


def note(text):
    for line in str(text).splitlines():
        print("# " + line)


def within(value, low, high, text):
    return ok(low <= value <= high, "%s: %.6g is in %.6g .. %.6g" % (text, value, low, high))


def done():
    sys.exit(1 if failed else 0)
