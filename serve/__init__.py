"""From a registered model to a scored lead database, and what sales and marketing see of it.

One file or folder per verb (score is batch with scorer and ledger/); its page, if it has one, is
page.py or NAME_page.py (compare's is report.py) with words and layout in pages/NAME.html.
"""
