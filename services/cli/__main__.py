"""``python -m services.cli`` is `caretier`."""

from services.cli.main import main

main()
