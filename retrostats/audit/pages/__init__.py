"""An audit made from one page and one table: its tables, analyses and what each row became."""
