"""Champion and challenger: promote, rollback, and the history of every change of champion."""
