"""Files of strangers are parsed by a child process with bounded memory and time, and no network.

`parent` asks, `child` answers, `wire` says what may pass between them, `limits` what the child may
use, `parsers` which functions it may be asked for.
"""
