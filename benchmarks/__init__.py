"""Commands that measure Lookgraph side by side with what it is compared to. Not in the wheel."""
