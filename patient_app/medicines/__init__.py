"""A person's medicines: of the record and their own (`listing`), and reminders (`reminders`)."""
