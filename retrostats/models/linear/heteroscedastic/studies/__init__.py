"""The same of many studies: what each has alone is eliminated study by study."""
