"""From a printed cell to what an answer rests on."""
