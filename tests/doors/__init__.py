"""One door a room: tests reach internals here, so that a move touches one file of the tests."""
