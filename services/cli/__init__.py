"""The `caretier` command: finds the commands of every installed package and runs the one asked for.

Commands are entry points (group ``caretier.commands``), so a device that installs only its own
extra has no hospital commands, and `caretier triage` does not load what `caretier hospital` needs.

    caretier --help
    caretier up --data var
    caretier doctor
"""
