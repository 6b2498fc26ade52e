"""Printed numbers and the words of an audit, as data."""
