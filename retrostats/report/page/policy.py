"""What a browser may do with the page: show it, and run the scripts that are in it."""

from __future__ import annotations

import base64
import hashlib
import re

#: Stands in the page until every script in it is known.
POLICY = "policy-of-this-page"
#: Of scripts that run; blocks of data have a type of their own.
SCRIPT = re.compile(r"<script>(.*?)</script>", re.DOTALL)


def with_policy(html: str) -> str:
    """The page with its content security policy: nothing from outside, its own scripts by hash.

    Examples
    --------
    >>> page = f"<meta content=\\"{POLICY}\\"><script>1</script>"
    >>> "script-src 'sha256-a4ayc/80/OGda4BO/1o/V0etpOqiLx1JwB5S3beHW0s='" in with_policy(page)
    True
    """
    digests = (hashlib.sha256(body.encode("utf-8")).digest() for body in SCRIPT.findall(html))
    hashes = [f"'sha256-{base64.b64encode(d).decode()}'" for d in dict.fromkeys(digests)]
    allowed = " ".join(hashes) or "'none'"
    policy = (
        f"default-src 'none'; style-src 'unsafe-inline'; script-src {allowed}; "
        "img-src data:; base-uri 'none'; form-action 'none'"
    )
    return html.replace(POLICY, policy, 1)
