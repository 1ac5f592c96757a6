"""The champion's model card."""
