"""From stored rows and a query to the nearest rows."""
