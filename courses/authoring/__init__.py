"""From plain text to notebooks and pages: courses are written, guarded, built and examined here."""
