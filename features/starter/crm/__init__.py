"""How exports of CRM systems map to the contract: one file per system, data without code."""
